import { Consumer, Producer } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import { uniqueName } from '../helpers/own-names.ts';
import { kafkaBrokers, ownKafka, ownTopic } from './own.ts';

test('what is produced is fetched', async (t) => {
  const topic = await ownTopic(t);
  await using clients = open(kafkaBrokers());
  await clients.produce(topic, ['one', 'two']);
  expect(await clients.fetchAll(topic, 2)).toEqual(['one', 'two']);
});

test('a broker that was killed has what it answered for', async (t) => {
  const kafka = await ownKafka(t);
  const topic = await ownTopic(t, kafka);
  await using clients = open(kafka.brokers);
  await clients.produce(topic, ['before']);
  await kafka.kill(1);
  await kafka.restart(1);
  await using later = open(kafka.brokers);
  await later.produce(topic, ['after']);
  expect(await later.fetchAll(topic, 2)).toEqual(['before', 'after']);
});

test('of three nodes another leads when the leader was killed', async (t) => {
  const kafka = await ownKafka(t, { nodes: 3 });
  const topic = await ownTopic(t, { ...kafka, replicas: 3 });
  const first = await kafka.leaderOf(topic, 0);
  await kafka.kill(first);
  await expect.poll(() => kafka.leaderOf(topic, 0)).not.toBe(first);
});

function open(bootstrapBrokers: string[]) {
  const producer = new Producer({ clientId: 'test', bootstrapBrokers, idempotent: true });
  const consumer = new Consumer({ clientId: 'test', bootstrapBrokers, groupId: uniqueName('group') });
  return {
    produce: (topic: string, values: string[]) =>
      producer.send({ messages: values.map((value) => ({ topic, value: Buffer.from(value), partition: 0 })) }),
    async fetchAll(topic: string, count: number): Promise<string[]> {
      const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false });
      const values: string[] = [];
      for await (const { value } of stream) {
        values.push(value.toString());
        if (values.length === count) break;
      }
      return values;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([producer.close(), consumer.close(true)]);
    },
  };
}
