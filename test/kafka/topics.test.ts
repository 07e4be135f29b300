// A worker's start on a real broker: topics created, found, refused.
import { ConfigResourceTypes, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka';
import { expect, type TestContext, test } from 'vitest';
import { type KafkaServer, openAdmin } from '../../src/kafka/clients.ts';
import type { TopicWish } from '../../src/kafka/topic-rules.ts';
import { ensureTopic, readTopic } from '../../src/kafka/topics.ts';
import { RefusedStart } from '../../src/process/lifecycle.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { kafkaBrokers, serverAt } from './own.ts';

function start(t: TestContext, server: KafkaServer = serverAt(kafkaBrokers())) {
  const admin = openAdmin(server, 'sluice-test');
  t.onTestFinished(() => admin.close());
  const warnings: unknown[] = [];
  const log = { warn: (what: unknown) => void warnings.push(what) };
  const wish: TopicWish = { topic: uniqueName('topic'), partitions: 4, replication: 1, retentionMs: 3_600_000 };
  t.onTestFinished(() => admin.deleteTopics({ topics: [wish.topic] }).catch(() => undefined));
  const ready = (change: Partial<TopicWish> = {}) =>
    ensureTopic(admin, { ...wish, ...change, brokers: server.brokers }, log);
  const alter = (name: string, value: string) => {
    const configs = [{ name, value, configOperation: IncrementalAlterConfigOperationTypes.SET }];
    const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: wish.topic, configs };
    return admin.incrementalAlterConfigs({ resources: [resource] });
  };
  return { admin, wish, ready, alter, warnings };
}

test('a topic that is missing is created as it has to be, and the next start finds it so', async (t) => {
  const { admin, wish, ready, warnings } = start(t);
  expect(await readTopic(admin, wish.topic)).toBeUndefined();
  expect(await ready()).toBe(4);
  expect(await readTopic(admin, wish.topic)).toMatchObject({
    partitions: 4,
    copies: 1,
    settings: { 'cleanup.policy': 'delete', 'retention.ms': '3600000', 'min.insync.replicas': '1' },
  });
  // It is as it was made, whatever is wished for now.
  expect(await ready({ partitions: 9 })).toBe(4);
  expect(warnings).toEqual([]);
});

test('workers that start at once create one topic', async (t) => {
  const { ready } = start(t);
  expect(await Promise.all([ready(), ready(), ready()])).toEqual([4, 4, 4]);
});

test.for<[string, string, RegExp]>([
  [
    'retention.ms',
    '60000',
    /retention\.ms of topic .* is 60000; .*KAFKA_RETENTION_HOURS \(1 h\)\. Do: .*retention\.ms=3600000/,
  ],
  ['cleanup.policy', 'compact', /cleanup\.policy of topic .* is compact; .*Do: .*cleanup\.policy=delete/],
  ['min.insync.replicas', '2', /min\.insync\.replicas of topic .* is 2; the topic has 1.*Do: .*=1/],
])('with %s = %s a worker does not start, and says what to do', async ([name, value, line], t) => {
  const { ready, alter } = start(t);
  await ready();
  await alter(name, value);
  await expect.poll(() => refusalOf(ready())).toMatch(line);
});

test('what breaks no promise is a warning', async (t) => {
  const { ready, alter, warnings } = start(t);
  await ready();
  await alter('retention.bytes', '1000000');
  await expect
    .poll(async () => (await ready()) && warnings)
    .toContainEqual(expect.objectContaining({ found: expect.stringMatching(/retention\.bytes/) }));
});

test('more copies than there are brokers are refused, for a topic that is missing and for one that is there', async (t) => {
  const { ready } = start(t);
  expect(await refusalOf(ready({ replication: 9 }))).toMatch(/^KAFKA_REPLICATION: .*fewer than 9 brokers/);
  await ready();
  expect(await refusalOf(ready({ replication: 9 }))).toMatch(/has 1 of the 9 copies/);
});

test('brokers that are away are a fault that may pass', async (t) => {
  const { ready } = start(t, serverAt(['127.0.0.1:1']));
  await expect(ready()).rejects.toMatchObject({
    code: 'kafka-unavailable',
    retryable: true,
    message: expect.stringMatching(/^KAFKA_BROKERS, Kafka at 127\.0\.0\.1:1: no broker listens at that address\. Do: /),
  });
});

/** Undefined when it starts. */
async function refusalOf(starting: Promise<unknown>): Promise<string | undefined> {
  try {
    await starting;
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(RefusedStart);
    return (error as Error).message;
  }
}
