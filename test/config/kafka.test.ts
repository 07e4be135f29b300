import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { temporaryFolder } from '../helpers/own-names.ts';
import { problemsOf } from './problems.ts';

const KAFKA = { BROKER: 'kafka', KAFKA_BROKERS: 'a:9092' };

test('Redis carries tickets unless BROKER says otherwise, and without brokers there is no Kafka', () => {
  expect(readConfig({})).toMatchObject({ broker: 'redis', kafka: undefined });
  expect(readConfig({ KAFKA_BROKERS: 'a:1' })).toMatchObject({ broker: 'redis', kafka: { topic: 'sluice.tickets' } });
  expect(readConfig(KAFKA)).toMatchObject({
    broker: 'kafka',
    kafka: { group: 'sluice-issuers', partitions: 12, replication: 1, retentionMs: 604_800_000, tls: undefined },
  });
});

test.for<[string, [string, number][]]>([
  ['a:1', [['a', 1]]],
  ['a', [['a', 9092]]],
  [
    'kafka-1.example:9092,10.0.0.1:9093',
    [
      ['kafka-1.example', 9092],
      ['10.0.0.1', 9093],
    ],
  ],
  [
    '[::1]:19092,[2001:db8::1]',
    [
      ['::1', 19_092],
      ['2001:db8::1', 9092],
    ],
  ],
])('KAFKA_BROKERS %s is read', ([KAFKA_BROKERS, expected]) => {
  const brokers = readConfig({ KAFKA_BROKERS }).kafka?.brokers.map(({ host, port }) => [host, port]);
  expect(brokers).toEqual(expected);
});

test.for<[string, RegExp]>([
  ['a:0', /port that is not a number/],
  ['a:b', /port that is not a number/],
  ['a,,b', /comma without a host/],
  ['::1:9092', /IPv6 address in brackets/],
  ['a b', /contains a space/],
  ['kafka://a:9092', /takes host:port/],
  ['user:Canary@a:9092', /takes host:port/],
  ['a:9092/x', /takes host:port/],
])('KAFKA_BROKERS %s is refused, and nothing of it is shown', ([KAFKA_BROKERS, problem]) => {
  const told = problemsOf({ KAFKA_BROKERS });
  expect(told).toEqual([expect.stringMatching(/^KAFKA_BROKERS: /)]);
  expect(told[0]).toMatch(problem);
  expect(told[0]).not.toMatch(/Canary/);
});

test.for<[string, Record<string, string>, RegExp]>([
  ['no brokers', { BROKER: 'kafka' }, /^KAFKA_BROKERS: BROKER=kafka needs it/],
  ['another broker', { BROKER: 'rabbit' }, /^BROKER: takes redis or kafka/],
  ['a topic with a space', { KAFKA_TOPIC: 'a b' }, /^KAFKA_TOPIC: takes/],
  ['a topic of dots', { KAFKA_TOPIC: '..' }, /^KAFKA_TOPIC: takes/],
  ['no partitions', { KAFKA_PARTITIONS: '0' }, /^KAFKA_PARTITIONS: takes/],
  [
    'a certificate that is not there',
    { ...KAFKA, KAFKA_TLS: 'on', KAFKA_CA_FILE: '/no/ca' },
    /^KAFKA_CA_FILE: .*ENOENT/,
  ],
  ['a login without a password', { KAFKA_SASL: 'plain', KAFKA_USER: 'u' }, /^KAFKA_PASSWORD: KAFKA_SASL=plain needs/],
  ['a password without a login', { KAFKA_PASSWORD: 'Canary' }, /^KAFKA_PASSWORD: has no effect without KAFKA_SASL/],
  ['a token that is missing', { KAFKA_SASL: 'oauthbearer' }, /^KAFKA_TOKEN_FILE: KAFKA_SASL=oauthbearer needs/],
])('%s is a problem in words', ([, environment, problem]) => {
  const told = problemsOf(environment);
  expect(told).toEqual([expect.stringMatching(problem)]);
  expect(told[0]).not.toMatch(/Canary/);
});

test('certificates come in pairs, and only with TLS', async (t) => {
  const file = join(await temporaryFolder(t), 'some.pem');
  writeFileSync(file, 'PEM');
  expect(problemsOf({ ...KAFKA, KAFKA_CA_FILE: file })).toEqual([expect.stringMatching(/without KAFKA_TLS=on/)]);
  const tls = { ...KAFKA, KAFKA_TLS: 'on', KAFKA_CERT_FILE: file };
  expect(problemsOf(tls)).toEqual([expect.stringMatching(/^KAFKA_KEY_FILE: KAFKA_CERT_FILE needs it/)]);
  const { kafka } = readConfig({ ...tls, KAFKA_KEY_FILE: file, KAFKA_CA_FILE: file });
  expect(kafka?.tls).toEqual({ ca: 'PEM', cert: 'PEM', key: 'PEM' });
});

test('in production a password or token goes over TLS, and a topic has three copies', () => {
  const production = { SLUICE_PROFILE: 'production', KAFKA_BROKERS: 'a', KAFKA_USER: 'u', KAFKA_PASSWORD: 'Canary' };
  expect(problemsOf({ ...production, KAFKA_SASL: 'plain' })).toContainEqual(
    expect.stringMatching(/^KAFKA_SASL: plain needs KAFKA_TLS=on/),
  );
  expect(problemsOf({ ...production, KAFKA_SASL: 'scram-sha-512' }).join()).not.toMatch(/KAFKA/);
  const { kafka } = readConfig({ ...production, KAFKA_SASL: 'plain', KAFKA_TLS: 'on' });
  expect(kafka).toMatchObject({
    replication: 3,
    sasl: { mechanism: 'PLAIN', user: 'u', password: 'Canary' },
    tls: { ca: undefined },
  });
});
