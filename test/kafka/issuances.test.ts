// What other services are told: from the outbox of a real ledger into a topic of a real broker.
import { readFileSync } from 'node:fs';
import { expect, type TestContext, test } from 'vitest';
import { z } from 'zod';
import { userTag } from '../../src/domain/ids.ts';
import { takeLease } from '../../src/gate/redis/locks.ts';
import { openProducer } from '../../src/kafka/clients.ts';
import { createPublisher } from '../../src/kafka/issuances.ts';
import { cancelTicket } from '../../src/ledger/cancellations.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { createOutbox } from '../../src/ledger/outbox.ts';
import type { CloudEvent } from '../../src/outbox/cloud-event.ts';
import { publishOutbox } from '../../workers/publisher.ts';
import { testRedis } from '../helpers/redis.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openSale } from '../ledger/sale.ts';
import { kafkaBrokers, ownTopic, serverAt } from './own.ts';
import { readTopic } from './read-topic.ts';

const database = ownDatabase();
const schema = JSON.parse(readFileSync(new URL('../../docs/issuances.schema.json', import.meta.url), 'utf8'));

async function open(t: TestContext) {
  const ledger = database.open({ tellsOutbox: true });
  const topic = await ownTopic(t, { partitions: 3 });
  const producer = openProducer(serverAt(), 'publisher');
  t.onTestFinished(() => producer.close());
  const deps = {
    outbox: createOutbox(ledger),
    publish: createPublisher(producer, topic, '/sluice/test'),
    takeLease: () => takeLease(testRedis(t), `lease:${topic}`, 'test'),
    onPublished: () => undefined,
    onOutbox: () => undefined,
    onUntold: () => undefined,
    onError: () => undefined,
  };
  const run = (change: Partial<typeof deps> = {}) => {
    const ended = new AbortController();
    const running = publishOutbox({ ...deps, ...change }, ended.signal);
    const stop = async () => {
      ended.abort();
      await running;
    };
    t.onTestFinished(stop);
    return stop;
  };
  const read = async () =>
    (await readTopic(kafkaBrokers(), topic)).map(({ partition, value }) => {
      return { partition, event: JSON.parse(value.toString()) as CloudEvent };
    });
  return { ledger, sale: await openSale(ledger), deps, run, read };
}

test('each batch is an event of the schema, those of a campaign in order in one partition', async (t) => {
  const { ledger, sale, deps, run, read } = await open(t);
  run();
  await issueBatch(ledger, sale.rows(1, 3));
  const given = {
    campaign: sale.id,
    tag: userTag(sale.id, 'user-2'),
    user: 'user-2',
    unit: 2,
    names: [{ epoch: 1, seq: 2 }],
  };
  await cancelTicket(ledger, given);
  await issueBatch(ledger, sale.rows(4, 4));
  await until('an empty outbox', async () => (await deps.outbox.size()).entries === 0);
  const found = await read();
  expect(new Set(found.map(({ partition }) => partition)).size).toBe(1);
  const told = found.map(({ event }) => [event.type, event.data.tickets.map(({ unit }) => unit)]);
  expect(told).toEqual([
    ['sluice.tickets.issued', [1, 2, 3]],
    ['sluice.tickets.cancelled', [2]],
    ['sluice.tickets.issued', [4]],
  ]);
  for (const { event } of found) z.fromJSONSchema(schema).parse(event);
  const wrong = { ...found[0]!.event, data: { campaign: sale.id, tickets: [{ unit: 1, user: 'user-1' }] } };
  expect(z.fromJSONSchema(schema).safeParse(wrong).success).toBe(false);
});

test('what was not told before a publisher died is told by the next one', async (t) => {
  const { ledger, sale, deps, run, read } = await open(t);
  await issueBatch(ledger, sale.rows(1, 2));
  const began = Promise.withResolvers<void>();
  const stop = run({
    publish: async () => {
      began.resolve();
      throw new Error('gone');
    },
  });
  await began.promise;
  await stop();
  expect(await read()).toEqual([]);
  run();
  await until('an empty outbox', async () => (await deps.outbox.size()).entries === 0);
  expect((await read()).map(({ event }) => event.subject)).toEqual([sale.id]);
});

test('what was told and not removed is told again with the same id', async (t) => {
  const { ledger, sale, deps, run, read } = await open(t);
  await issueBatch(ledger, sale.rows(1, 2));
  const told = Promise.withResolvers<void>();
  const dying = {
    ...deps.outbox,
    remove: async () => {
      told.resolve();
      throw new Error('gone');
    },
  };
  const stop = run({ outbox: dying });
  await told.promise;
  await stop();
  const before = await read();
  expect(before.length).toBeGreaterThan(0);
  run();
  await until('an empty outbox', async () => (await deps.outbox.size()).entries === 0);
  const after = await read();
  expect(after.length).toBeGreaterThan(before.length);
  expect(new Set(after.map(({ event }) => event.id)).size).toBe(1);
  expect(after[0]!.event.data.tickets.map(({ unit }) => unit)).toEqual([1, 2]);
});
