// The doctor beside real brokers: listeners that are wrong, rights that are missing, a group that is behind.
import { networkInterfaces } from 'node:os';
import { AclOperations, AclPermissionTypes, Consumer, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka';
import { expect, type TestContext, test } from 'vitest';
import type { KafkaConfig } from '../../src/config/kafka.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { examineKafka } from '../../src/doctor/kafka.ts';
import { openAdmin, openProducer } from '../../src/kafka/clients.ts';
import { ensureTopic } from '../../src/kafka/topics.ts';
import { freePort } from '../helpers/free-port.ts';
import { uniqueName } from '../helpers/own-names.ts';
import type { NodePorts } from './broker.ts';
import { kafkaBrokers, ownKafka, ownTopic, serverAt } from './own.ts';

const QUIET = { warn: () => undefined };

const configOf = (brokers: string[], change: Partial<KafkaConfig> = {}): KafkaConfig => ({
  ...serverAt(brokers),
  topic: uniqueName('topic'),
  group: uniqueName('group'),
  issuancesTopic: undefined,
  partitions: 3,
  replication: 1,
  retentionMs: 3_600_000,
  ...change,
});

const examined = async (kafka: KafkaConfig) => {
  const findings = await examineKafka({ kafka } as Parameters<typeof examineKafka>[0]);
  const of = (check: string): Finding | undefined => findings.find((finding) => finding.check === check);
  return { findings, of, statuses: Object.fromEntries(findings.map(({ check, status }) => [check, status])) };
};

test('of brokers and a topic as they should be everything is ok', async (t) => {
  const kafka = configOf(kafkaBrokers());
  expect((await examined(kafka)).of('kafka-topic')?.found).toMatch(/not there yet/);
  const admin = openAdmin(kafka, 'test');
  t.onTestFinished(() => admin.close());
  await ensureTopic(admin, kafka, QUIET);
  const { statuses, of } = await examined(kafka);
  expect(statuses).toEqual({
    kafka: 'ok',
    'kafka-listeners': 'ok',
    'kafka-topic': 'ok',
    'kafka-rights': 'ok',
    'kafka-lag': 'ok',
  });
  expect(of('kafka-topic')?.found).toBe(`topic ${kafka.topic}: 3 partitions, copies: 1`);
  expect((await examined({ ...kafka, replication: 3 })).of('kafka-topic')).toMatchObject({
    status: 'broken',
    found: expect.stringMatching(/1 of the 3 copies/),
  });
});

test('records that no member of the group receives are a warning with their number', async (t) => {
  const topic = await ownTopic(t, { partitions: 2 });
  const kafka = configOf(kafkaBrokers(), { topic });
  const producer = openProducer(kafka, 'test');
  t.onTestFinished(() => producer.close());
  await producer.send({ messages: [0, 0, 1].map((partition) => ({ topic, partition, value: Buffer.from('x') })) });
  expect((await examined(kafka)).of('kafka-lag')).toMatchObject({
    status: 'warning',
    found: `group ${kafka.group}: 3 records behind, 2 in one partition; 0 members`,
  });
  const consumer = new Consumer({ clientId: 'test', bootstrapBrokers: kafkaBrokers(), groupId: kafka.group });
  t.onTestFinished(() => consumer.close(true));
  consumer.topics.trackAll(topic);
  await consumer.joinGroup();
  const offsets = [2n, 1n].map((offset, partition) => ({ topic, partition, offset, leaderEpoch: -1 }));
  await consumer.commit({ offsets });
  expect((await examined(kafka)).of('kafka-lag')).toMatchObject({
    status: 'ok',
    found: `group ${kafka.group}: 0 records behind, 0 in one partition; 1 members`,
  });
});

test('the topic of other services is a line of its own: what it is like, and what breaks it', async (t) => {
  const topic = await ownTopic(t, { partitions: 2 });
  const kafka = configOf(kafkaBrokers(), { issuancesTopic: topic });
  expect((await examined(kafka)).of('kafka-issuances')).toMatchObject({
    status: 'ok',
    found: `topic ${topic}: 2 partitions, copies: 1`,
  });
  expect((await examined({ ...kafka, replication: 3 })).of('kafka-issuances')).toMatchObject({
    status: 'broken',
    found: expect.stringContaining(`topic ${topic} has 1 of the 3 copies`),
  });
});

test('brokers that are away are one line, with the reason', async () => {
  const { findings } = await examined(configOf(['127.0.0.1:1']));
  expect(findings).toEqual([
    expect.objectContaining({
      check: 'kafka',
      status: 'unknown',
      means: '127.0.0.1:1: no broker listens at that address',
    }),
  ]);
});

test('a broker that advertises a name which nobody here knows is broken, with the remedy', async (t) => {
  const { brokers } = await ownKafka(t, {
    properties: { 'advertised.listeners': 'PLAINTEXT://kafka.invalid:9092' },
  });
  const { of, statuses } = await examined(configOf(brokers));
  expect(statuses).toEqual({ kafka: 'ok', 'kafka-listeners': 'broken' });
  expect(of('kafka-listeners')).toMatchObject({
    found: expect.stringMatching(/its brokers are at kafka\.invalid:9092: from here, the host name cannot be resolved/),
    remedy: expect.stringMatching(/^set advertised\.listeners .*PLAINTEXT:\/\/127\.0\.0\.1:\d+/),
  });
});

test('a broker that advertises its own loopback to other machines is broken, and no worker starts with it', async (t) => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  if (address === undefined) return t.skip('this machine has no address but its own loopback');
  const kafka = configOf(await advertisingLoopback(t, address));
  expect((await examined(kafka)).of('kafka-listeners')).toMatchObject({
    status: 'broken',
    found: expect.stringMatching(/brokers are at 127\.0\.0\.1:\d+: for this process that is its own machine/),
    remedy: expect.stringContaining(`PLAINTEXT://${address}:`),
  });
  const admin = openAdmin(kafka, 'test');
  t.onTestFinished(() => admin.close());
  await expect(ensureTopic(admin, kafka, QUIET)).rejects.toThrow(
    /^KAFKA_BROKERS: Kafka answers at .*127\.0\.0\.1.*Do: set advertised/,
  );
});

async function advertisingLoopback(t: TestContext, address: string): Promise<string[]> {
  let port = 0;
  await ownKafka(t, {
    properties: (node: NodePorts) => {
      port = node.port;
      return { listeners: `PLAINTEXT://0.0.0.0:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}` };
    },
  });
  return [`${address}:${port}`];
}

test('rights that the user lacks are named, and a login that is wrong is one line', async (t) => {
  const plain = await freePort();
  const { brokers } = await ownKafka(t, { properties: (node) => withLogins(node, plain) });
  const sasl = { mechanism: 'PLAIN', user: 'sluice', password: 'sluice-password' } as const;
  const kafka = configOf(brokers, { sasl });
  // Whoever comes by the other listener may do everything.
  const admin = openAdmin(serverAt([`127.0.0.1:${plain}`]), 'test');
  t.onTestFinished(() => admin.close());
  await ensureTopic(admin, { ...kafka, ...serverAt([`127.0.0.1:${plain}`]) }, QUIET);
  const { of } = await examined(kafka);
  expect(of('kafka-rights')).toMatchObject({
    status: 'broken',
    found: `this user lacks Describe on topic ${kafka.topic}, Read on topic ${kafka.topic}, Write on topic ${kafka.topic}, Read on group ${kafka.group}`,
  });

  const { TOPIC, GROUP } = ResourceTypes;
  const allow = (resourceType: typeof TOPIC | typeof GROUP, resourceName: string, operation: number) => ({
    resourceType,
    resourceName,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: 'User:sluice',
    host: '*',
    operation: operation as typeof AclOperations.READ,
    permissionType: AclPermissionTypes.ALLOW,
  });
  const { READ, WRITE } = AclOperations;
  await admin.createAcls({
    creations: [allow(TOPIC, kafka.topic, READ), allow(TOPIC, kafka.topic, WRITE), allow(GROUP, kafka.group, READ)],
  });
  await expect.poll(async () => (await examined(kafka)).of('kafka-rights')?.status).toBe('ok');
  expect((await examined(kafka)).of('kafka-topic')).toMatchObject({
    status: 'unknown',
    found: expect.stringMatching(/may not read the settings/),
  });

  const wrong = await examined({ ...kafka, sasl: { ...sasl, password: 'Canary' } });
  expect(wrong.findings).toEqual([
    expect.objectContaining({ check: 'kafka', means: expect.stringMatching(/rejects the user, password or token/) }),
  ]);
  expect(JSON.stringify(wrong.findings)).not.toMatch(/Canary/);
});

/** Two listeners: of logins, for which rights are needed, and one without. */
const withLogins = ({ port, controllerPort }: NodePorts, plain: number) => ({
  listeners: `SASL_PLAINTEXT://127.0.0.1:${port},PLAINTEXT://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controllerPort}`,
  'advertised.listeners': `SASL_PLAINTEXT://127.0.0.1:${port},PLAINTEXT://127.0.0.1:${plain}`,
  'sasl.enabled.mechanisms': 'PLAIN',
  'listener.name.sasl_plaintext.plain.sasl.jaas.config':
    'org.apache.kafka.common.security.plain.PlainLoginModule required user_sluice="sluice-password";',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
});
