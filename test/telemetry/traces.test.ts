// Real processes and a real OTLP receiver: what a trace of a ticket holds, and what no trace may hold.
import { expect, test } from 'vitest';
import { openQueue } from '../../src/retry/bullmq.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { freePort } from '../helpers/free-port.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import { startWorker, untilPrinted } from '../helpers/processes.ts';
import { uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import type { ReceivedSpan } from './otlp-receiver.ts';
import { connected, expectNothingPrivate, startSale, telemetryOf } from './traced-sale.ts';

const database = ownDatabase();

const inTrace = (spans: readonly ReceivedSpan[], { traceId }: ReceivedSpan) =>
  spans.filter((span) => span.traceId === traceId);

test('every sampled ticket can be followed from its join to its settling by parents and links', async (t) => {
  const { receiver, stores, create, join, untilStatus } = await startSale(t, database);
  const campaign = await create({ stock: 20, shards: 2 });
  const users = Array.from({ length: 20 }, () => uniqueName('traced-user'));
  const answers = await Promise.all(users.map((user) => join(campaign, user)));
  expect(answers.map(({ status }) => status)).toEqual(users.map(() => 202));
  await startWorker(t, stores, uniqueName('worker'), telemetryOf(receiver));
  const tickets = answers.map(({ body }) => String(body.ticket));
  await Promise.all(tickets.map((text) => untilStatus(text, 'issued')));

  const joins = await until('all spans of the sale', DEADLINE_MS, () => {
    const spans = receiver.spans();
    const found = spans.filter(({ name }) => name === 'POST /v1/campaigns/{id}/tickets');
    const isWhole = (one: ReceivedSpan) => connected(spans, one).some(({ name }) => name === 'ack tickets');
    return found.length === users.length && found.every(isWhole) ? found : undefined;
  });
  for (const one of joins) {
    expect(one).toMatchObject({ kind: 'server', service: 'sluice-front', parentSpanId: '' });
    expect(one.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v1/campaigns/{id}/tickets',
      'http.response.status_code': 202,
      'sluice.decision': 'admitted',
    });
    const sent = inTrace(receiver.spans(), one).filter(({ name }) => name === 'send tickets');
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ kind: 'producer', parentSpanId: one.spanId });
    expect(sent[0]!.attributes['messaging.message.id']).toMatch(/^\d+-0$/);
    const calls = receiver.spans().filter(({ links, name }) => name === 'EVALSHA admit' && linksTo(links, one));
    expect(calls).toHaveLength(1);
    expect(calls[0]!.attributes).toMatchObject({ 'db.system.name': 'redis', 'db.stored_procedure.name': 'admit' });
    const batch = receiver.spans().find(({ links, name }) => name === 'process tickets' && linksTo(links, sent[0]!))!;
    expect(batch).toMatchObject({ kind: 'consumer', service: 'sluice-worker' });
    expect(batch.attributes['messaging.batch.message_count']).toBeGreaterThan(0);
    const steps = receiver.spans().filter(({ parentSpanId }) => parentSpanId === batch.spanId);
    expect(steps.map(({ name }) => name).sort()).toEqual(['INSERT issuances', 'ack tickets']);
  }
  const seqs = receiver
    .spans()
    .flatMap(({ name, attributes }) => (name === 'send tickets' ? [attributes['messaging.message.id']] : []));
  expect(new Set(seqs).size).toBe(users.length);
  expectNothingPrivate(receiver, [...users, ...tickets]);
});

test('a ticket that is retried, given up and redriven is followed to its end, polls included', async (t) => {
  const { receiver, stores, admin, create, join, ticket, untilStatus } = await startSale(t, database);
  const campaign = await create({ stock: 1, shards: 1 });
  const user = uniqueName('traced-user');
  const relent = await database.beforeEachRow(
    t,
    uniqueName('refuse').replaceAll('-', '_'),
    `IF NEW.user = '${user}' THEN SIGNAL SQLSTATE '22001' SET MESSAGE_TEXT = 'not this one, ${user}'; END IF`,
  );
  const joined = await join(campaign, user);
  const text = String(joined.body.ticket);
  const traceId = /^00-(.{32})-/.exec(joined.headers.get('traceparent') ?? '')![1]!;
  await startWorker(t, stores, uniqueName('worker'), telemetryOf(receiver));
  await untilStatus(text, 'retrying');
  // Every retry is due at once, or the last of six would come after half a minute.
  const { queue, close } = openQueue({ url: stores.redisUrl, onError: () => undefined });
  t.onTestFinished(close);
  await until('a dead letter', DEADLINE_MS, async () => {
    await queue.promoteJobs();
    const { body } = await admin('GET', `dead-letters?campaign=${campaign}`);
    return (body.deadLetters as unknown[]).length > 0 ? true : undefined;
  });
  await relent();
  expect((await admin('POST', 'dead-letters/redrive', { campaign })).body).toMatchObject({ done: 1 });
  await untilStatus(text, 'issued');

  const names = await until('the trace of the ticket', DEADLINE_MS, () => {
    const spans = receiver.spans().filter((span) => span.traceId === traceId);
    return spans.some(({ name }) => name === 'ack issuance') ? spans : undefined;
  });
  const byId = new Map(names.map((span) => [span.spanId, span]));
  // From the end back to the join, by parents alone.
  const way = (span: ReceivedSpan | undefined): string[] =>
    span === undefined ? [] : [...way(byId.get(span.parentSpanId)), span.name];
  const inserted = names.filter(({ name, isError }) => name === 'INSERT issuances' && !isError);
  expect(way(inserted[0])).toEqual([
    'POST /v1/campaigns/{id}/tickets',
    'send tickets',
    'send issuance',
    'send dead_letters',
    'send issuance',
    'process issuance',
    'INSERT issuances',
  ]);
  const failed = names.filter(({ name, isError }) => name === 'process issuance' && isError);
  expect(failed.length).toBeGreaterThan(1);
  for (const span of failed) {
    expect(span.attributes).toMatchObject({ 'sluice.reason': 'rejected', 'error.type': 'invalid' });
    expect(way(span).slice(0, 3)).toEqual(['POST /v1/campaigns/{id}/tickets', 'send tickets', 'send issuance']);
  }
  const polls = names.filter(({ name }) => name === 'GET /v1/tickets/{ticket}');
  expect(polls.length).toBeGreaterThan(1);
  for (const poll of polls) expect(way(poll)[0]).toBe('POST /v1/campaigns/{id}/tickets');
  const root = names.find(({ parentSpanId }) => parentSpanId === '')!;
  expect(connected(receiver.spans(), root).map(({ name }) => name)).toContain('process tickets');
  expect((await ticket('DELETE', text, { 'x-user-id': user })).status).toBe(200);
  await until('the give-back', DEADLINE_MS, () =>
    receiver.spans().find((span) => span.traceId === traceId && span.name === 'DELETE /v1/tickets/{ticket}'),
  );
  expectNothingPrivate(receiver, [user, text]);
});

test('faults are recorded whatever the ratio, a few a second, and their log lines name the trace', async (t) => {
  const redis = await loneRedis(t);
  const sale = await startSale(t, database, { TRACE_RATIO: '0', DURABILITY: 'disk' }, redis.url);
  const { receiver, front } = sale;
  const campaign = await sale.create({ stock: 10 });
  expect((await sale.join(campaign, uniqueName('traced-user'))).status).toBe(202);
  redis.signal('SIGKILL');
  const users = Array.from({ length: 200 }, () => uniqueName('traced-user'));
  const answers = await Promise.all(users.map((user) => sale.join(campaign, user).then(({ status }) => status)));
  expect(answers.filter((status) => status === 503).length).toBeGreaterThan(100);
  const faults = await until('spans of faults', DEADLINE_MS, () => {
    const found = receiver.spans().filter(({ kind, isError }) => kind === 'server' && isError);
    return found.length > 0 ? found : undefined;
  });
  expect(faults.length).toBeLessThan(100);
  for (const span of faults) {
    expect(span.attributes).toMatchObject({ 'http.response.status_code': 503, 'http.request.method': 'POST' });
    expect(span.attributes['error.type']).toMatch(/^[a-z-]+$/);
  }
  const lines = front
    .output()
    .split('\n')
    .filter((line) => line.includes('answered with a server error'));
  expect(lines.length).toBeGreaterThan(0);
  const told = JSON.parse(lines[0]!) as { trace_id?: string; span_id?: string };
  expect(faults.map(({ traceId }) => traceId)).toContain(told.trace_id);
  expect(faults.map(({ spanId }) => spanId)).toContain(told.span_id);
  expectNothingPrivate(receiver, users);
});

test('that a collector is away is in the log', async (t) => {
  const { front, create, join } = await startSale(t, database, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '100',
  });
  expect((await join(await create({ stock: 1 }), uniqueName('traced-user'))).status).toBe(202);
  await untilPrinted(front, /"problem":"[^"]+","msg":"telemetry: the OpenTelemetry SDK reports a problem"/);
});

test('OTEL_SDK_DISABLED leaves the telemetry port without metrics, and nothing is traced', async (t) => {
  const port = await freePort();
  const { receiver, create, join } = await startSale(t, database, {
    OTEL_SDK_DISABLED: 'true',
    TELEMETRY_PORT: String(port),
  });
  const { headers, status } = await join(await create({ stock: 1 }), uniqueName('traced-user'));
  expect([status, headers.get('traceparent')]).toEqual([202, null]);
  const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  expect([await statusOf('/livez'), await statusOf('/metrics')]).toEqual([200, 404]);
  expect(receiver.requests()).toEqual([]);
});

test('a caller that continues its trace by protobuf, the usual form, is answered with its traceparent', async (t) => {
  const { receiver, create, join } = await startSale(t, database, {
    OTEL_EXPORTER_OTLP_PROTOCOL: '',
    TRACE_RATIO: '0',
  });
  const campaign = await create({ stock: 2 });
  const caller = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
  const { headers } = await join(campaign, 'ann', { traceparent: caller });
  expect(headers.get('traceparent')).toMatch(new RegExp(`^00-${'ab'.repeat(16)}-(?!cd{8})[0-9a-f]{16}-01$`));
  expect((await join(campaign, 'bob')).headers.get('traceparent')).toBeNull();
  await until('the exported span', DEADLINE_MS, () =>
    receiver.bodies().some((body) => body.includes('POST /v1/campaigns/{id}/tickets')) ? true : undefined,
  );
  expect(receiver.requests()[0]).toEqual({ type: 'application/x-protobuf', path: '/v1/traces' });
});

const linksTo = (links: ReceivedSpan['links'], { traceId, spanId }: ReceivedSpan) =>
  links.some((link) => link.traceId === traceId && link.spanId === spanId);
