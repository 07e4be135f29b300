import { expect, type TestContext, test } from 'vitest';
import type { Crowd } from '../../src/rehearsal/buyers.ts';
import { createLoad } from '../../src/rehearsal/load.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { problem, reply, startServer, ticketBody } from './answering-server.ts';

const CROWD: Omit<Crowd, 'campaign'> = {
  buyers: 1,
  ratePerSecond: 1_000,
  repeatShare: 0,
  togetherShare: 0.5,
  pollShare: 0,
  seed: 'u',
  deadlineMs: DEADLINE_MS,
};

function loadOn(t: TestContext, url: string, requestMs = DEADLINE_MS) {
  const campaign = { id: 'c', stock: 1, shards: 1 };
  const load = createLoad({ url, adminUrl: url, adminToken: 'token', campaign, requestMs });
  t.onTestFinished(() => load.close({ keep: true }).then(() => undefined));
  return load;
}

test('buyers arrive on time though the service hangs, and their wait counts from the intended time', async (t) => {
  const waiting: (() => void)[] = [];
  const server = await startServer(t, ({ user }, response) => {
    waiting.push(() => reply(response, 202, ticketBody(user, 1)));
    if (waiting.length >= 100) for (const answer of waiting.splice(0)) answer();
  });
  const log = await loadOn(t, server.url).run({ ...CROWD, buyers: 100, ratePerSecond: 250 });
  const joins = log.joins.toSorted((a, b) => a.intendedMs - b.intendedMs);
  for (const [i, { intendedMs }] of joins.entries()) expect(intendedMs - log.startedMs).toBeCloseTo(i * 4, 6);
  // Nothing was answered before the last of them came: a closed loop would have stopped at its first socket.
  expect(joins[0]!.answeredMs - joins[0]!.intendedMs).toBeGreaterThan(390);
  for (const { sentMs, intendedMs } of joins) expect(sentMs).toBeGreaterThanOrEqual(intendedMs);
});

test('a buyer asks again after a dropped socket, a silence and a 500, and gets the ticket', async (t) => {
  const server = await startServer(t, ({ times, user }, response, request) => {
    if (times === 1) request.socket.destroy();
    else if (times === 3) reply(response, 500);
    else if (times > 3) reply(response, 200, ticketBody(user, 5));
  });
  const log = await loadOn(t, server.url, 1_000).run(CROWD);
  expect(log.joins.map(({ kind, status }) => [kind, status])).toEqual([
    ['unknown', 0],
    ['unknown', 0],
    ['unknown', 500],
    ['known', 200],
  ]);
  expect(log.joins.at(-1)).toMatchObject({ ticket: 'ticket-of-u-0', seq: 5 });
});

test('after five more asks without an answer a buyer goes home', async (t) => {
  const server = await startServer(t, (_, response) => reply(response, 500, {}, { 'retry-after': '0' }));
  const log = await loadOn(t, server.url).run(CROWD);
  expect(log.joins).toHaveLength(6);
});

test.for([
  [429, 'quota-exceeded', 'throttled'],
  [503, 'temporary-reduced-capacity', 'reduced-capacity'],
  [503, 'campaign-paused', 'paused'],
  [409, 'campaign-not-open', 'not-open'],
] as const)('a %i %s is asked again, and not before its Retry-After', async ([status, type, kind], t) => {
  const server = await startServer(t, ({ times, user }, response) => {
    if (times < 2) reply(response, status, problem(type), { 'retry-after': '1' });
    else reply(response, 202, ticketBody(user, 1));
  });
  const log = await loadOn(t, server.url).run(CROWD);
  expect(log.joins.map((answer) => answer.kind)).toEqual([kind, 'accepted']);
  const [first, second] = server.seen;
  expect(second!.atMs - first!.atMs).toBeGreaterThan(980);
});

test.for([
  [409, 'sold-out', 'sold-out'],
  [410, 'campaign-ended', 'ended'],
  [404, 'not-found', 'not-found'],
  [422, 'invalid', 'unexpected'],
] as const)('a %i %s is final', async ([status, type, kind], t) => {
  const server = await startServer(t, (_, response) => reply(response, status, problem(type)));
  const log = await loadOn(t, server.url).run({ ...CROWD, buyers: 5 });
  expect(log.joins.map((answer) => answer.kind)).toEqual(Array(5).fill(kind));
});

test('a 202 without a ticket is unexpected', async (t) => {
  const server = await startServer(t, (_, response) => reply(response, 202, { status: 'queued' }));
  const log = await loadOn(t, server.url).run(CROWD);
  expect(log.joins[0]).toMatchObject({ kind: 'unexpected', status: 202 });
});

test('a buyer whose Retry-After lies beyond the deadline goes home at once', async (t) => {
  const server = await startServer(t, (_, response) => reply(response, 429, {}, { 'retry-after': '36000' }));
  // Staying until the deadline would outlast the test.
  const log = await loadOn(t, server.url).run({ ...CROWD, deadlineMs: 3_600_000 });
  expect(log.joins.map((answer) => answer.kind)).toEqual(['throttled']);
});

test('every buyer of a repeat share of 1 asks twice at the same intended time', async (t) => {
  const server = await startServer(t, ({ times, user }, response) =>
    reply(response, times === 1 ? 202 : 200, ticketBody(user, Number(user.slice(2)) + 1)),
  );
  const log = await loadOn(t, server.url).run({ ...CROWD, buyers: 200, repeatShare: 1, togetherShare: 1 });
  expect(log.joins).toHaveLength(400);
  expect(log.joins.filter(({ kind }) => kind === 'accepted')).toHaveLength(200);
  for (const [, pair] of Map.groupBy(log.joins, ({ user }) => user)) {
    expect(new Set(pair.map(({ repeat }) => repeat))).toEqual(new Set([false, true]));
    expect(pair).toHaveLength(2);
    expect(pair[0]!.intendedMs).toBe(pair[1]!.intendedMs);
  }
});

test('a repeat that is not sent at once follows the answer, and a share of buyers repeats', async (t) => {
  const server = await startServer(t, ({ user }, response) => reply(response, 200, ticketBody(user, 1)));
  const log = await loadOn(t, server.url).run({ ...CROWD, buyers: 300, repeatShare: 0.2, togetherShare: 0 });
  const repeats = log.joins.filter(({ repeat }) => repeat);
  expect(repeats.length).toBeGreaterThan(30);
  expect(repeats.length).toBeLessThan(90);
  for (const again of repeats) {
    const first = log.joins.find(({ user, repeat }) => user === again.user && !repeat)!;
    expect(again.intendedMs - first.answeredMs).toBeGreaterThanOrEqual(49);
  }
});

test('an admitted buyer polls at the pace that was asked for until the ticket is issued', async (t) => {
  const server = await startServer(t, ({ method, times, user, path }, response) => {
    if (method === 'POST') return reply(response, 202, ticketBody(user, 1));
    expect(path).toBe('/v1/tickets/ticket-of-u-0');
    if (times === 1) return reply(response, 200, ticketBody(user, 1, 'queued', { pollAfterMs: 300 }));
    if (times === 2) return reply(response, 503);
    if (times === 3) return reply(response, 429, {}, { 'retry-after': '0' });
    return reply(response, 200, ticketBody(user, 1, 'issued', { issuance: { code: 'C', unit: 3 } }));
  });
  const log = await loadOn(t, server.url).run({ ...CROWD, pollShare: 1 });
  expect(log).toMatchObject({ pollCount: 4, pollUnknownCount: 1, seen: { joined: 1, accepted: 1, issued: 1 } });
  expect(log.sightings.map(({ status }) => status)).toEqual(['queued', 'issued']);
  expect(log.sightings[1]).toMatchObject({ user: 'u-0', ticket: 'ticket-of-u-0', code: 'C', unit: 3 });
  expect(server.seen[2]!.atMs - server.seen[1]!.atMs).toBeGreaterThan(290);
});

test('a ticket that the service does not know any more is logged as not found', async (t) => {
  const server = await startServer(t, ({ method, user }, response) =>
    method === 'POST' ? reply(response, 202, ticketBody(user, 1)) : reply(response, 404, {}, { 'retry-after': '0' }),
  );
  const log = await loadOn(t, server.url).run({ ...CROWD, pollShare: 1 });
  expect(log.sightings.map(({ status }) => status)).toEqual(['queued', 'not-found']);
  expect(log.pollCount).toBe(5);
});

test('a poll is given up at the deadline, and stop sends everybody home', async (t) => {
  const server = await startServer(t, ({ user }, response) => reply(response, 200, ticketBody(user, 1)));
  const late = await loadOn(t, server.url).run({ ...CROWD, pollShare: 1, deadlineMs: 200 });
  expect(late.endedMs - late.startedMs).toBeGreaterThanOrEqual(200);
  const load = loadOn(t, server.url);
  const running = load.run({ ...CROWD, buyers: 100_000, pollShare: 1 });
  await expect.poll(() => load.log.seen.joined).toBeGreaterThan(10);
  load.stop();
  const log = await running;
  expect(log.seen.joined).toBeLessThan(100_000);
});
