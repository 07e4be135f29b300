import { expect, test } from 'vitest';
import { keys } from '../../src/redis/keys.ts';
import { until } from '../helpers/until.ts';
import { fronts, type TestFront, untilKnown } from './front.ts';
import { issue } from './issue.ts';
import { ownRedis } from './own-redis.ts';
import { watch as watchUrl } from './watch.ts';

const file = fronts();

const watch = (front: TestFront, ticket: string, signal?: AbortSignal) =>
  watchUrl(`${front.url}/v1/tickets/${ticket}`, signal ? { signal } : {});

test('a long-poll ends when its ticket is issued, long before its time', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  const [another] = await front.admit(await front.create(), 1, 1);
  // It began to wait earlier, for as long: when it waits still, the other one's time was not over.
  const waiting = front.poll(another!, { prefer: 'wait=30' });
  await until('the first waits', () => front.waiterCount() === 1);
  const polling = front.poll(ticket!, { prefer: 'wait=30' });
  await until('both wait', () => front.waiterCount() === 2);
  await issue(t, front, file.ledger(), campaign);
  const { status, body, headers } = await polling;
  expect([status, body.status, headers.get('preference-applied')]).toEqual([200, 'issued', 'wait=30']);
  expect(front.waiterCount()).toBe(1);
  front.drain();
  expect((await waiting).body.status).toBe('queued');
  expect(front.waiterCount()).toBe(0);
});

test('a long-poll of a ticket that goes on waiting ends when its time is over, without a question', async (t) => {
  const front = await file.start(t);
  const [ticket] = await front.admit(await front.create(), 1, 1);
  const before = front.questionCount();
  const startedAt = performance.now();
  const { status, body } = await front.poll(ticket!, { prefer: 'respond-async, wait=1' });
  expect([status, body.status]).toEqual([200, 'queued']);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
  expect(front.questionCount() - before).toBe(0);
});

test('a client that leaves a long-poll or a stream is not waited for', async (t) => {
  const front = await file.start(t);
  const [ticket] = await front.admit(await front.create(), 1, 1);
  const leaving = new AbortController();
  const url = `${front.url}/v1/tickets/${ticket}`;
  const polling = fetch(url, { headers: { prefer: 'wait=30' }, signal: leaving.signal }).catch(() => 'left');
  const { ended } = await watch(front, ticket!, leaving.signal);
  await until('both wait', 2_000, () => front.waiterCount() === 2);
  leaving.abort();
  expect(await polling).toBe('left');
  await expect(ended).rejects.toThrow();
  await until('nobody waits', 3_000, () => front.waiterCount() === 0);
});

test('a stream tells every change of place, then the coupon, and ends', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create({ shards: 1 });
  const tickets = await front.admit(campaign, 1, 3);
  const { response, events, ended } = await watch(front, tickets[2]!);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  await until('the first event', 2_000, () => events.length === 1);
  // Somebody ahead is done with: settled by hand, so that the place changes before the end.
  await front.redis.hset(keys.gate(campaign), 'watermark:0', 1);
  await until('the second event', 3_000, () => events.length === 2);
  await issue(t, front, file.ledger(), campaign);
  await ended;
  expect(events.map(({ event, data }) => [event, data.status, data.ahead])).toEqual([
    ['ticket', 'queued', 2],
    ['ticket', 'queued', 1],
    ['ticket', 'issued', 0],
  ]);
  expect(events.at(-1)!.data.issuance).toMatchObject({ unit: 3 });
});

test('a stream of a ticket that is issued already is one event', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  await issue(t, front, file.ledger(), campaign);
  await untilKnown(front, campaign, ({ view }) => view.settledCount === 1);
  const { events, ended } = await watch(front, ticket!);
  await ended;
  expect(events.map(({ data }) => data.status)).toEqual(['issued']);
});

test('a stream whose outcome cannot be asked for ends without a word about what broke', async (t) => {
  const redis = await ownRedis(t);
  const front = await file.start(t, { redisUrl: redis.url });
  const campaign = await front.create({ shards: 1 });
  const [ticket] = await front.admit(campaign, 1, 1);
  const { events, ended } = await watch(front, ticket!);
  await until('the first event', 2_000, () => events.length === 1);
  // In the window being worked on memory cannot tell, so every look is a question.
  await front.redis.hset(keys.gate(campaign), 'acked:0', 5);
  await untilKnown(front, campaign, ({ view }) => view.acked[0] === 5);
  redis.stop();
  await ended;
  expect(events.map(({ event, data }) => [event, data.status])).toEqual([['ticket', 'queued']]);
  expect((await front.poll(ticket!)).status).toBe(503);
  redis.goOn();
  await until('it is told again', 5_000, async () => (await front.poll(ticket!)).status === 200);
});

test('a front that drains lets its waiting clients go to another one', async (t) => {
  const front = await file.start(t);
  const [ticket] = await front.admit(await front.create(), 1, 1);
  const polling = front.poll(ticket!, { prefer: 'wait=30' });
  const { ended } = await watch(front, ticket!);
  await until('both wait', 2_000, () => front.waiterCount() === 2);
  front.drain();
  expect(await polling).toMatchObject({ status: 200, body: { status: 'queued' } });
  await ended;
  expect(await front.ask('/readyz')).toMatchObject({ status: 503, body: { ready: false } });
});

test.for([
  ['wait=0', 0],
  ['wait=-1', 0],
  ['wait=1.5', 0],
  ['handling=strict, wait=1', 1],
  ['await=9', 0],
  ['wait=1', 1],
] as const)('Prefer: %s waits %i s', async ([prefer, seconds], t) => {
  const front = await file.start(t);
  const [ticket] = await front.admit(await front.create(), 1, 1);
  // The front is of this process: no turn of a wait of whole seconds passes unseen.
  let waiterCountMax = 0;
  const watching = setInterval(() => {
    waiterCountMax = Math.max(waiterCountMax, front.waiterCount());
  }, 1);
  t.onTestFinished(() => clearInterval(watching));
  const startedAt = performance.now();
  const { headers } = await front.poll(ticket!, { prefer });
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(seconds * 990);
  expect(waiterCountMax).toBe(Math.sign(seconds));
  expect(headers.get('preference-applied')).toBe(seconds === 0 ? null : `wait=${seconds}`);
});
