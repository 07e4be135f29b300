// What `sluice status` and `sluice reconcile` say of Kafka: how far workers are behind, in words also while no broker answers.
import { expect, test } from 'vitest';
import { openAdmin, openProducer } from '../../src/kafka/clients.ts';
import { sluice } from '../cli/sluice.ts';
import { freePort } from '../helpers/free-port.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { startFront } from '../helpers/processes.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { kafkaBrokers, ownKafka, serverAt } from './own.ts';

const database = ownDatabase();

test('a front with Kafka tells the lag in records, and why it does not know it once the broker stands still', async (t) => {
  const broker = await ownKafka(t);
  t.onTestFinished(() => broker.thaw(1));
  const { brokers } = broker;
  const [topic, group] = [uniqueName('topic'), uniqueName('group')];
  const stores = { redisUrl: (await startRedis(t)).url, databaseUrl: database.url() };
  const kafka = { BROKER: 'kafka', KAFKA_BROKERS: brokers.join(','), KAFKA_TOPIC: topic, KAFKA_GROUP: group };
  const front = await startFront(t, stores, kafka);
  const ask = (...args: string[]) => sluice(args, { ADMIN_URL: front.adminUrl, ADMIN_TOKEN: front.adminToken });
  expect((await ask('status')).out).toMatch(/^kafka +lag unknown: there is no topic /m);
  const id = uniqueName('sale');
  expect(await ask('campaign', 'create', id, '--stock', '5')).toMatchObject({ code: 0 });

  const admin = openAdmin(serverAt(brokers), 'test');
  await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 });
  await admin.close();
  const producer = openProducer(serverAt(brokers), 'test');
  const messages = [0, 0, 1].map((partition) => ({ topic, partition, value: Buffer.from('x') }));
  await until('three records', () =>
    producer.send({ messages }).then(
      () => true,
      () => false,
    ),
  );
  await producer.close();
  await until('the lag', async () =>
    /^kafka +lag 3 records, each of 1 to 500 tickets$/m.test((await ask('status')).out),
  );
  const lag = `Kafka: lag 3 records, each of 1 to 500 tickets (of group ${group} on topic ${topic}, all campaigns)`;
  expect((await ask('reconcile', id)).out).toBe(`${id}: gate, streams, retries and ledger agree.\n${lag}\n`);
  expect(JSON.parse((await ask('status', '--json')).out)).toMatchObject({
    kafka: { topic, group, records: 3, worstRecords: 2, problem: null },
  });

  broker.freeze(1);
  const frozen = await until('the broker is missed', async () => {
    const { code, out } = await ask('status');
    expect(code).toBe(0);
    return out.includes('no broker answer') ? out : undefined;
  });
  expect(frozen).toMatch(/^kafka +lag unknown: no broker answer/m);
  expect(frozen.replaceAll(/\s+/g, ' ')).toContain('Kafka does not tell this front how far workers are behind');
  expect((await ask('reconcile', id)).out).toMatch(/\nKafka: the lag .* is unknown: no broker answer/);
});

test('a front whose brokers are away says so, and one without Kafka says nothing of it', async (t) => {
  const stores = { redisUrl: (await startRedis(t)).url, databaseUrl: database.url() };
  const away = { BROKER: 'kafka', KAFKA_BROKERS: `127.0.0.1:${await freePort()}` };
  const status = async (settings: Record<string, string>) => {
    const front = await startFront(t, stores, settings);
    return (await sluice(['status'], { ADMIN_URL: front.adminUrl, ADMIN_TOKEN: front.adminToken })).out;
  };
  expect(await status(away)).toMatch(/^kafka +lag unknown: no broker listens at that address$/m);
  expect(await status({ KAFKA_BROKERS: kafkaBrokers().join(',') })).not.toMatch(/kafka/i);
});
