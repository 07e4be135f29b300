import { expect, test } from 'vitest';
import { createLines } from '../../src/gate/redis/lines.ts';
import { campaignStore } from '../../src/ledger/campaign-store.ts';
import { tidyUp } from '../../workers/janitor.ts';
import { uniqueName } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import type { Answer } from './client.ts';
import { fronts, type TestFront, untilKnown } from './front.ts';
import { ownRedis } from './own-redis.ts';

const file = fronts();
const front = file.shared();

const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  front().admin('POST', path, body, headers);
const invalid = (answer: Answer) => {
  expect([answer.status, answer.body.type]).toEqual([422, 'urn:problem-type:sluice:invalid']);
  return answer.body.errors.map(({ field }) => field).toSorted();
};
const isoIn = (ms: number) => new Date(Date.now() + ms).toISOString();

test('creating is a 201 with all that was decided, the same again a 200, another body a 409', async () => {
  const spec = { id: uniqueName('sale'), stock: 10, ratePerSecond: 50, opensAt: '2030-01-01T09:00:00+09:00' };
  const created = await post('/admin/campaigns', spec);
  expect(created.status).toBe(201);
  expect(created.body).toEqual({
    ...spec,
    name: spec.id,
    opensAt: '2030-01-01T00:00:00.000Z',
    closesAt: null,
    burst: 50,
    backlogMax: 0,
    shards: 8,
    state: 'active',
    stage: 'open',
    version: 1,
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  });
  const again = await post('/admin/campaigns', spec);
  expect([again.status, again.text]).toEqual([200, created.text]);
  const other = await post('/admin/campaigns', { ...spec, stock: 11 });
  expect([other.status, other.body.type]).toEqual([409, 'urn:problem-type:sluice:conflict']);
  expect((await front().admin('GET', `/admin/campaigns/${spec.id}`)).body.stock).toBe(10);
});

test('a dry run says what creating would answer, and creates nothing', async () => {
  const spec = { id: uniqueName('dry'), stock: 10, ratePerSecond: 5 };
  const dry = { ...spec, dryRun: true };
  const fresh = await post('/admin/campaigns', dry);
  expect([fresh.status, fresh.body]).toEqual([200, { dryRun: true, campaign: spec.id, exists: false }]);
  expect((await front().admin('GET', `/admin/campaigns/${spec.id}`)).status).toBe(404);
  expect((await post('/admin/campaigns', { ...spec, dryRun: false })).status).toBe(201);
  expect((await post('/admin/campaigns', dry)).body).toEqual({ dryRun: true, campaign: spec.id, exists: true });
  const other = await post('/admin/campaigns', { ...dry, stock: 11 });
  expect([other.status, other.body.title]).toEqual([
    409,
    `campaign ${spec.id} was created with other settings: stock is 10, not 11`,
  ]);
  expect(invalid(await post('/admin/campaigns', { ...dry, stock: 0 }))).toEqual(['stock']);
});

test('created ten times at once it is created once', async () => {
  const spec = { id: uniqueName('sale'), stock: 10 };
  const answers = await Promise.all(Array.from({ length: 10 }, () => post('/admin/campaigns', spec)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([...Array<number>(9).fill(200), 201]);
});

test('a 422 names every field that is wrong, unknown ones too', async () => {
  const answer = await post('/admin/campaigns', {
    id: 'No Name',
    stock: '10',
    ratePerSecond: -1,
    burst: 0.5,
    opensAt: 'soon',
    closesAt: '1960-01-01T00:00:00Z',
    shards: 65,
    colour: 'red',
  });
  expect(invalid(answer)).toEqual(['burst', 'closesAt', 'colour', 'id', 'opensAt', 'ratePerSecond', 'shards', 'stock']);
  expect(
    invalid(
      await front().admin('PATCH', `/admin/campaigns/${await front().create()}`, { name: 'x', stock: 5, shards: 1 }),
    ),
  ).toEqual(['shards', 'stock']);
});

test.for([
  ['half an object', '{"id":', {}, 400],
  ['a form', 'id=a', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['5 kB', JSON.stringify({ id: 'a', stock: 1, name: 'a'.repeat(5_000) }), {}, 413],
  ['no credentials', '{}', { authorization: '' }, 401],
  ['a wrong token', '{}', { authorization: 'Bearer wrong' }, 401],
] as const)('%s is a problem of its own status', async ([, body, headers, status]) => {
  const answer = await post('/admin/campaigns', body, headers);
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ status, type: expect.any(String), title: expect.any(String) });
  if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
});

test('credentials of another scheme are told to be wrong, not the body', async () => {
  const answer = await front().admin('GET', '/admin/campaigns', undefined, { authorization: 'Basic eDp5' });
  expect([answer.status, answer.body.title]).toEqual([400, 'The bearer token is missing or wrong']);
  expect(answer.headers.get('www-authenticate')).toContain('Bearer');
});

test('what the ledger refuses is told without its words', async () => {
  const answer = await post('/admin/campaigns', {
    id: uniqueName('sale'),
    stock: 1,
    opensAt: '2030-01-02T00:00:00Z',
    closesAt: '2030-01-01T00:00:00Z',
  });
  expect([answer.status, answer.body.title]).toEqual([409, 'closesAt is not after opensAt']);
});

test('a change is live at once, and null clears a time', async () => {
  const campaign = await front().create({ opensAt: isoIn(3_600_000), ratePerSecond: 5 });
  expect((await front().join(campaign, 'ann')).status).toBe(409);
  const patched = await front().admin('PATCH', `/admin/campaigns/${campaign}`, { opensAt: null, ratePerSecond: 7 });
  expect(patched.body).toMatchObject({ opensAt: null, ratePerSecond: 7, version: 2, burst: 5 });
  await untilKnown(front(), campaign, ({ view }) => view.opensAt === null && view.ratePerSecond === 7);
  expect((await front().join(campaign, 'ann')).status).toBe(202);
  const same = await front().admin('PATCH', `/admin/campaigns/${campaign}`, { ratePerSecond: 7 });
  expect([same.status, same.body.version]).toEqual([200, 2]);
});

test('pausing, resuming and closing take effect; closed is final', async () => {
  const campaign = await front().create();
  const at = `/admin/campaigns/${campaign}`;
  const joinsAnswer = (status: number) =>
    until(
      `joins answer ${status}`,
      3_000,
      async () => (await front().join(campaign, uniqueName('u'))).status === status,
    );
  expect((await post(`${at}/pause`)).body.state).toBe('paused');
  await joinsAnswer(503);
  expect((await post(`${at}/resume`)).body.state).toBe('active');
  await joinsAnswer(202);
  expect((await post(`${at}/close`)).body).toMatchObject({ state: 'closed', version: 4 });
  await joinsAnswer(410);
  expect((await post(`${at}/close`)).body.version).toBe(4);
  for (const verb of ['pause', 'resume']) expect((await post(`${at}/${verb}`)).status).toBe(409);
  expect((await front().admin('PATCH', at, { name: 'too late' })).status).toBe(409);
  expect((await post(`${at}/stock`, { add: 1 }, { 'idempotency-key': 'k' })).status).toBe(409);
});

test('stock is added once for each key, however often and however concurrently it is asked for', async () => {
  const campaign = await front().create({ stock: 1 });
  const add = (count: number, key: string) =>
    post(`/admin/campaigns/${campaign}/stock`, { add: count }, { 'idempotency-key': key });
  const answers = await Promise.all(Array.from({ length: 10 }, () => add(4, 'first')));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect((await add(4, 'first')).body.stock).toBe(5);
  expect((await add(4, '"first"')).body.stock).toBe(5);
  const other = await add(5, 'first');
  expect([other.status, other.body.type]).toEqual([409, 'urn:problem-type:sluice:conflict']);
  expect((await add(2, 'second')).body).toMatchObject({ stock: 7, version: 3 });
  // The same key for another campaign is another key.
  const second = await front().create({ stock: 1 });
  const there = await post(`/admin/campaigns/${second}/stock`, { add: 4 }, { 'idempotency-key': 'first' });
  expect(there.body.stock).toBe(5);
  await untilKnown(front(), campaign, ({ view }) => view.stock === 7);
  await front().admit(campaign, 1, 7);
  expect((await front().join(campaign, 'the-eighth')).status).toBe(409);
});

test('a sold-out campaign sells again once there is more stock', async () => {
  const campaign = await front().create({ stock: 1 });
  await front().admit(campaign, 1, 1);
  await until('the refusal', 3_000, async () => (await front().join(campaign, 'bob')).status === 409);
  await post(`/admin/campaigns/${campaign}/stock`, { add: 1 }, { 'idempotency-key': 'more' });
  const answer = await until('a unit', 3_000, async () => {
    const joined = await front().join(campaign, 'bob');
    return joined.status === 202 ? joined : undefined;
  });
  expect(answer.body.seq).toBe(2);
});

test('a name that the audit log cannot take was left out of it, and the change made without a name', async () => {
  const id = uniqueName('unnamed');
  await post('/admin/campaigns', { id, stock: 1 });
  const one = `/admin/campaigns/${id}`;
  const routes: [string, string, unknown?, Record<string, string>?][] = [
    ['POST', '/admin/campaigns', { id: uniqueName('unmade'), stock: 1 }],
    ['PATCH', one, { ratePerSecond: 9 }],
    ['POST', `${one}/pause`],
    ['POST', `${one}/resume`],
    ['POST', `${one}/close`],
    ['POST', `${one}/stock`, { add: 1 }, { 'idempotency-key': 'k' }],
    ['POST', `${one}/reconcile`],
    ['POST', '/admin/dead-letters/redrive', { campaign: id }],
    ['POST', '/admin/dead-letters/discard', { campaign: id }],
  ];
  for (const actor of ['<script>', 'a'.repeat(65), '', 'Jürgen, in Latin-1']) {
    for (const [method, path, body, headers] of routes) {
      const answer = await front().admin(method, path, body, { ...headers, 'x-actor': actor });
      expect([path, answer.status, answer.body.errors]).toEqual([
        path,
        422,
        [{ field: 'x-actor', message: 'takes 1 to 64 letters, digits and _ . @ - and space, in UTF-8' }],
      ]);
    }
  }
  const rows = await file.database.sql('SELECT action FROM audit_log WHERE campaign = ?', [id]);
  expect(rows).toEqual([{ action: 'create' }]);
});

test('every change leaves who, what, before and after; a repeat leaves nothing', async () => {
  const id = uniqueName('audited');
  await post('/admin/campaigns', { id, stock: 1 }, { 'x-actor': 'ann@example' });
  await post('/admin/campaigns', { id, stock: 1 }, { 'x-actor': 'bob' });
  await front().admin('PATCH', `/admin/campaigns/${id}`, { ratePerSecond: 9 }, { 'x-actor': 'bob' });
  await post(`/admin/campaigns/${id}/pause`);
  await post(`/admin/campaigns/${id}/pause`);
  for (const _ of [1, 2]) await post(`/admin/campaigns/${id}/stock`, { add: 2 }, { 'idempotency-key': 'k' });
  const rows = await file.database.sql('SELECT * FROM audit_log WHERE campaign = ? ORDER BY id', [id]);
  const told = rows.map(({ actor, action, before, after }) => {
    const [was, is] = [before, after].map((text) => (typeof text === 'string' ? JSON.parse(text) : undefined));
    return [actor, action, was?.version, is.version, was?.ratePerSecond, is.ratePerSecond, is.state, is.stock];
  });
  expect(told).toEqual([
    ['operator:ann@example', 'create', undefined, 1, undefined, 0, 'active', 1],
    ['operator:bob', 'change', 1, 2, 0, 9, 'active', 1],
    ['operator', 'pause', 2, 3, 9, 9, 'paused', 1],
    ['operator', 'add-stock', 3, 4, 9, 9, 'paused', 3],
  ]);
});

test('the summary counts admissions, issuances, the backlog and the oldest wait', async () => {
  const campaign = await front().create({ stock: 10 });
  const empty = (await front().admin('GET', `/admin/campaigns/${campaign}`)).body;
  expect(empty).toMatchObject({ phase: 'open', remaining: 10, admitted: 0, issued: 0, backlog: 0, oldestWaitMs: null });
  await front().admit(campaign, 1, 3);
  const busy = (await front().admin('GET', `/admin/campaigns/${campaign}`)).body;
  expect(busy).toMatchObject({ phase: 'open', remaining: 7, admitted: 3, issued: 0, backlog: 3, deadLetters: 0 });
  expect(busy.oldestWaitMs).toBeGreaterThanOrEqual(0);
  expect((await front().admin('GET', '/admin/campaigns/no-such-campaign')).status).toBe(404);
});

/** The janitor duty of the workers, until the test ends. */
function tidy(front: TestFront): AbortController {
  const stop = new AbortController();
  const store = campaignStore(file.ledger());
  const lines = createLines(front.redis);
  const reads = { readGates: front.readGates, lines, countRetries: async () => 0, reapConsumers: async () => 0 };
  const deps = { gate: front.gate, ...reads, store, holder: 'tests' };
  const deaf = {
    onLook: () => undefined,
    onGateLost: () => undefined,
    onDeadLetters: () => undefined,
    onCounted: () => undefined,
    onError: () => undefined,
  };
  void tidyUp({ ...deps, ...deaf }, stop.signal);
  return stop;
}

test('a change made while Redis is away stands in the ledger and reaches the gate when it is back', async (t) => {
  const proxy = await startTcpProxy(t, (await ownRedis(t)).url);
  const other = await file.start(t, { redisUrl: proxy.url });
  const campaign = await other.create({ stock: 1 });
  await other.admit(campaign, 1, 1);
  proxy.set('reset');
  await until('the outage is noticed', 2_000, async () => (await other.ask('/readyz')).status === 503);
  const changed = await other.admin('PATCH', `/admin/campaigns/${campaign}`, { name: 'Renamed' });
  expect([changed.status, changed.body.name]).toEqual([200, 'Renamed']);
  const added = await other.admin('POST', `/admin/campaigns/${campaign}/stock`, { add: 1 }, { 'idempotency-key': 'k' });
  expect([added.status, added.body.stock]).toEqual([200, 2]);
  const id = uniqueName('born-away');
  expect((await other.admin('POST', '/admin/campaigns', { id, stock: 1 })).status).toBe(201);
  const projected = () =>
    file.database.sql('SELECT id FROM campaigns WHERE id IN (?, ?) AND projected_version = version', [campaign, id]);
  expect(await projected()).toEqual([]);
  proxy.set('pass');
  await until('a connection', 5_000, async () => (await other.ask('/readyz')).status === 200);
  const janitor = tidy(other);
  t.onTestFinished(() => janitor.abort());
  await until('both gates follow', 5_000, async () => (await projected()).length === 2);
  await untilKnown(other, campaign, ({ view }) => view.name === 'Renamed' && view.stock === 2);
  expect((await other.join(campaign, 'user-2')).status).toBe(202);
  await until('the new campaign sells', 3_000, async () => (await other.join(id, 'ann')).status === 202);
});
