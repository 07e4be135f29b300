// A buyer whose place Redis lost gets another by polling: that is part of the same ticket's trace.
import { expect, test } from 'vitest';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import { startWorker } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { connected, expectNothingPrivate, startSale, telemetryOf } from './traced-sale.ts';

const database = ownDatabase();

test('a place that is given again is sent in the trace of its ticket, and followed to its settling', async (t) => {
  const redis = await loneRedis(t);
  const sale = await startSale(t, database, { DURABILITY: 'disk' }, redis.url);
  const { receiver, stores } = sale;
  const campaign = await sale.create({ stock: 5, shards: 1 });
  const user = uniqueName('traced-user');
  const joined = await sale.join(campaign, user);
  const text = String(joined.body.ticket);
  const traceId = /^00-(.{32})-/.exec(joined.headers.get('traceparent') ?? '')![1]!;
  // No worker has seen the ticket: nothing but the buyer knows of it from now on.
  await testRedis(t, redis.url).flushall();
  await startWorker(t, stores, uniqueName('worker'), telemetryOf(receiver));
  await until('the ticket is issued after all', DEADLINE_MS, async () => {
    const { body } = await sale.ticket('GET', text, { 'x-user-id': user });
    return body.status === 'issued' ? true : undefined;
  });

  const ours = await until('the spans of both places', DEADLINE_MS, () => {
    const spans = receiver.spans().filter((span) => span.traceId === traceId);
    const again = spans.find(({ attributes }) => attributes['sluice.readmission'] === true);
    const isWhole =
      again !== undefined && connected(receiver.spans(), again).some(({ name }) => name === 'ack tickets');
    return isWhole ? spans : undefined;
  });
  const byId = new Map(ours.map((span) => [span.spanId, span]));
  const again = ours.filter(({ attributes }) => attributes['sluice.readmission'] === true);
  expect(again).toHaveLength(1);
  expect(again[0]).toMatchObject({ name: 'send tickets', kind: 'producer', service: 'sluice-front', isError: false });
  expect(again[0]!.attributes).toMatchObject({ 'messaging.destination.partition.id': '0' });
  const poll = byId.get(again[0]!.parentSpanId)!;
  expect(poll).toMatchObject({ name: 'GET /v1/tickets/{ticket}', kind: 'server' });
  expect(byId.get(poll.parentSpanId)).toMatchObject({ name: 'POST /v1/campaigns/{id}/tickets', parentSpanId: '' });
  expectNothingPrivate(receiver, [user, text]);
});
