// A worker is killed while it tells other services: between records in the topic and their rows removed from the outbox.
import { expect, test } from 'vitest';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { createOutbox } from '../../src/ledger/outbox.ts';
import type { CloudEvent } from '../../src/outbox/cloud-event.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { startWorker } from '../helpers/processes.ts';
import { startRedis } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openSale } from '../ledger/sale.ts';
import type { NodePorts } from './broker.ts';
import { ownKafka } from './own.ts';
import { readTopic } from './read-topic.ts';

const database = ownDatabase();
const BATCHES = 40;

test('what a publisher sent before kill -9 is told again by the next one, with the same ids, and the rest is told', async (t) => {
  const proxy = await startTcpProxy(t, 'tcp://127.0.0.1:1');
  const properties = ({ port }: NodePorts) => {
    proxy.turnTo(`tcp://127.0.0.1:${port}`);
    return { 'advertised.listeners': `PLAINTEXT://${new URL(proxy.url).host}` };
  };
  const { brokers } = await ownKafka(t, { properties });
  const ledger = database.open({ tellsOutbox: true });
  const outbox = createOutbox(ledger);
  const sale = await openSale(ledger);
  for (let unit = 1; unit <= BATCHES; unit += 1) await issueBatch(ledger, sale.rows(unit, unit));
  const stores = { redisUrl: (await startRedis(t)).url, databaseUrl: database.url() };
  const topic = uniqueName('told');
  const settings = { KAFKA_BROKERS: brokers.join(','), KAFKA_ISSUANCES_TOPIC: topic, KAFKA_PARTITIONS: '3' };

  const middle = proxy.loseAnswerTo(`"unit":${BATCHES / 2},`, 'hang');
  const first = await startWorker(t, stores, uniqueName('worker'), settings);
  await middle.sprung;
  await first.end('SIGKILL');
  const sent = await readTopic(brokers, topic);
  expect(sent.length).toBeGreaterThanOrEqual(BATCHES / 2);
  expect(sent.length).toBeLessThan(BATCHES);
  expect((await outbox.size()).entries).toBe(BATCHES);

  await startWorker(t, stores, uniqueName('worker'), settings);
  await until('an empty outbox', async () => (await outbox.size()).entries === 0);
  const told = (await readTopic(brokers, topic)).map(({ value }) => JSON.parse(value.toString()) as CloudEvent);
  const unitsOf = (events: CloudEvent[]) => events.flatMap(({ data }) => data.tickets.map(({ unit }) => unit));
  const all = Array.from({ length: BATCHES }, (_, index) => index + 1);
  expect(unitsOf(told.slice(0, sent.length))).toEqual(all.slice(0, sent.length));
  expect(unitsOf(told.slice(sent.length))).toEqual(all);
  const byId = new Map(told.map((event) => [event.id, event]));
  expect(byId.size).toBe(BATCHES);
  for (const event of told) expect(event).toEqual(byId.get(event.id));
});
