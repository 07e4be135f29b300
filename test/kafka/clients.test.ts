// The clients as the relay and the workers use them, on a real broker.
import { expect, type TestContext, test } from 'vitest';
import { decodeBlock } from '../../src/broker/kafka/record.ts';
import { createSender } from '../../src/broker/kafka/topic.ts';
import { type KafkaServer, openAdmin, openMember, openProducer } from '../../src/kafka/clients.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { ownTopic, serverAt } from './own.ts';

test('what was sent is fetched in order, from where the group has committed', async (t) => {
  const topic = await ownTopic(t);
  const group = uniqueName('group');
  await produce(t, topic, ['one', 'two', 'three']);
  const first = member(t, topic, { group, name: 'worker-1' });
  expect(await first.fetch(0n)).toEqual(['one', 'two', 'three']);
  await first.commit(2n);
  await first.leave();
  const second = member(t, topic, { group, name: 'worker-2' });
  expect(await second.fetch(await second.committed())).toEqual(['three']);
});

test('a backlog larger than Kafka takes as one batch is sent in several, each ticket once', async (t) => {
  const topic = await ownTopic(t);
  const COUNT = 8_000;
  // What the client makes of one call is refused: this is why the sender makes several.
  await expect(
    produce(
      t,
      topic,
      Array.from({ length: COUNT }, () => 'x'.repeat(250)),
    ),
  ).rejects.toThrow();
  const producer = openProducer(serverAt(), 'relay');
  t.onTestFinished(() => producer.close());
  const fields = { user: 'u'.repeat(100), unit: '1', admitted_at: '1700000000000' };
  const entries = Array.from({ length: COUNT }, (_, index) => ({ seq: index + 1, fields }));
  const key = Buffer.alloc(32, 1);
  await createSender(producer, topic, key)([{ campaign: 'spring-sale', epoch: 1, shard: 0, entries }]);
  const values = await member(t, topic, { group: uniqueName('group'), name: 'worker' }).fetch(0n);
  expect(values.length).toBeGreaterThan(2);
  const seqs = values.flatMap((value) => decodeBlock(Buffer.from(value), key)!.entries.map(({ seq }) => seq));
  expect(seqs).toEqual(entries.map(({ seq }) => seq));
});

async function produce(t: TestContext, topic: string, values: string[], server = serverAt()): Promise<void> {
  const producer = openProducer(server, 'relay');
  t.onTestFinished(() => producer.close());
  await producer.send({ messages: values.map((value) => ({ topic, partition: 0, value: Buffer.from(value) })) });
}

function member(
  t: TestContext,
  topic: string,
  { group, name }: { group: string; name: string },
  server: KafkaServer = serverAt(),
) {
  const { consumer, fetchPool } = openMember({ ...server, group }, name);
  const admin = openAdmin(server, 'look');
  t.onTestFinished(async () => {
    await consumer.close(true);
    await Promise.resolve(fetchPool.close());
    await admin.close();
  });
  consumer.topics.trackAll(topic);
  let joined: Promise<unknown> | undefined;
  return {
    /** The values from `offset` on that one fetch brings. */
    async fetch(offset: bigint): Promise<string[]> {
      joined ??= consumer.joinGroup();
      await joined;
      await expect.poll(() => consumer.assignments).toEqual([expect.objectContaining({ topic, partitions: [0] })]);
      const { id, partitions } = (await consumer.metadata({ topics: [topic] })).topics.get(topic)!;
      const wanted = {
        partition: 0,
        fetchOffset: offset,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
        partitionMaxBytes: 4_000_000,
      };
      const { responses } = await consumer.fetch({
        node: partitions[0]!.leader,
        topics: [{ topicId: id, partitions: [wanted] }],
        connectionPool: fetchPool,
        maxWaitTime: 500,
      });
      return responses
        .flatMap(({ partitions: found }) => found.flatMap(({ records }) => records ?? []))
        .flatMap(({ firstOffset, records }) =>
          records.flatMap(({ offsetDelta, value }) =>
            firstOffset + BigInt(offsetDelta) >= offset ? [value?.toString() ?? ''] : [],
          ),
        );
    },
    commit: (offset: bigint) => consumer.commit({ offsets: [{ topic, partition: 0, offset, leaderEpoch: -1 }] }),
    // Its type leaves out what it returns.
    leave: () => Promise.resolve(consumer.leaveGroup()),
    committed: async () => {
      const [found] = await admin.listConsumerGroupOffsets({
        groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [0] }] }],
      });
      return found!.topics[0]!.partitions[0]!.committedOffset;
    },
  };
}
