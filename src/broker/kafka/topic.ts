// The topic of tickets, as the relay writes it and looks at how far the group is.
import type { Admin, Producer } from '@platformatic/kafka';
import { encodeRecord, partitionOf, type SendRecords } from './record.ts';

/** All replicas that are in sync have a record before it counts as sent. */
const ALL_IN_SYNC = -1;

/** `producer` is idempotent: what it sends again within one call is in the topic once. */
export function createSender(producer: Producer, topic: string): SendRecords {
  return async (carried) => {
    const { topics } = await producer.metadata({ topics: [topic] });
    const { partitionsCount } = topics.get(topic)!;
    const messages = carried.map((one) => ({
      topic,
      partition: partitionOf(one.campaign, one.shard, partitionsCount),
      value: encodeRecord(one),
    }));
    await producer.send({ messages, idempotent: true, acks: ALL_IN_SYNC });
  };
}

/** By partition, the offset behind its last record. */
export async function readEnds(admin: Admin, topic: string): Promise<bigint[]> {
  const partitions = await partitionsOf(admin, topic);
  const latest = partitions.map((partitionIndex) => ({ partitionIndex, timestamp: -1n }));
  const [found] = await admin.listOffsets({ topics: [{ name: topic, partitions: latest }] });
  return byPartition(found?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]) ?? []);
}

/** By partition, the offset that the group has committed; 0 for none. */
export async function readCommitted(admin: Admin, topic: string, groupId: string): Promise<bigint[]> {
  const partitions = await partitionsOf(admin, topic);
  const groups = await admin.listConsumerGroupOffsets({
    groups: [{ groupId, topics: [{ name: topic, partitionIndexes: partitions }] }],
  });
  const found = groups[0]?.topics.find(({ name }) => name === topic)?.partitions ?? [];
  return byPartition(found.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]));
}

async function partitionsOf(admin: Admin, topic: string): Promise<number[]> {
  const { topics } = await admin.metadata({ topics: [topic] });
  return Array.from({ length: topics.get(topic)!.partitionsCount }, (_, partition) => partition);
}

function byPartition(offsets: readonly (readonly [partition: number, offset: bigint])[]): bigint[] {
  const found: bigint[] = [];
  for (const [partition, offset] of offsets) found[partition] = offset < 0n ? 0n : offset;
  return found;
}
