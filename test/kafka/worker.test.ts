// A whole worker on a real broker: what its spans and its numbers say of the way through Kafka.
import { expect, test } from 'vitest';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { freePort } from '../helpers/free-port.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { startWorker } from '../helpers/processes.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { connected, expectNothingPrivate, startSale, telemetryOf } from '../telemetry/traced-sale.ts';
import { kafkaBrokers } from './own.ts';

const database = ownDatabase();

test('a ticket is followed through Kafka by links, and the worker counts how late and how far behind it is', async (t) => {
  // The relay is one for all workers of a Redis.
  const { url } = await startRedis(t);
  const { receiver, stores, create, join, untilStatus } = await startSale(t, database, {}, url);
  const campaign = await create({ stock: 8, shards: 2 });
  const port = await freePort();
  await startWorker(t, stores, uniqueName('worker'), {
    ...telemetryOf(receiver),
    TELEMETRY_PORT: String(port),
    BROKER: 'kafka',
    KAFKA_BROKERS: kafkaBrokers().join(','),
    KAFKA_TOPIC: uniqueName('topic'),
    KAFKA_GROUP: uniqueName('group'),
    KAFKA_PARTITIONS: '3',
  });
  const users = Array.from({ length: 8 }, () => uniqueName('traced-user'));
  const tickets = (await Promise.all(users.map((user) => join(campaign, user)))).map(({ body }) => String(body.ticket));
  await Promise.all(tickets.map((ticket) => untilStatus(ticket, 'issued')));

  const joins = await until('all spans of the sale', DEADLINE_MS, () => {
    const spans = receiver.spans();
    const found = spans.filter(({ name }) => name === 'send tickets');
    const whole = ['relay tickets', 'process tickets', 'ack tickets'];
    const isWhole = found.every((one) => {
      const names = new Set(connected(spans, one).map(({ name }) => name));
      return whole.every((name) => names.has(name));
    });
    return found.length === users.length && isWhole ? found : undefined;
  });
  const named = (wanted: string) => receiver.spans().filter(({ name }) => name === wanted);
  const linked = named('relay tickets').flatMap(({ links }) => links.map(({ spanId }) => spanId));
  expect(new Set(linked)).toEqual(new Set(joins.map(({ spanId }) => spanId)));
  for (const span of named('relay tickets')) {
    expect(span).toMatchObject({ kind: 'producer', service: 'sluice-worker' });
    expect(span.attributes).toMatchObject({ 'messaging.system': 'kafka', 'messaging.operation.type': 'send' });
  }
  for (const span of named('process tickets')) expect(span.attributes['messaging.system']).toBe('kafka');
  for (const span of named('ack tickets')) expect(span.attributes['messaging.system']).toBe('redis');
  expectNothingPrivate(receiver, [...users, ...tickets]);

  await until('the numbers of the relay', DEADLINE_MS, async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const lags = [...text.matchAll(/^sluice_kafka_lag_records\{partition="(\d)"\} (\d+)/gm)].map(([, , lag]) => lag);
    const isCounted = /^sluice_relay_delay_seconds_count 8$/m.test(text);
    return isCounted && lags.length === 3 && lags.every((lag) => lag === '0');
  });
});
