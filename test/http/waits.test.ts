import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';
import { settleAs } from './by-hand.ts';
import { fronts, type TestFront } from './front.ts';
import { ownRedis } from './own-redis.ts';
import { bytesOf, open } from './raw.ts';
import { watch } from './watch.ts';

const file = fronts();
const EVENTS = { accept: 'text/event-stream' };
const LONG_POLL = { prefer: 'wait=30' };
const WAYS: Record<string, string>[] = [EVENTS, LONG_POLL];

const portOf = (front: TestFront) => Number(new URL(front.url).port);

/** A connection whose client waits, in one way or the other. */
function waitRaw(front: TestFront, ticket: string, n: number, user?: string) {
  const headers = Object.entries({ ...WAYS[n % 2], ...(user === undefined ? {} : { 'x-user-id': user }) });
  const socket = open(portOf(front));
  socket.write(bytesOf({ path: `/v1/tickets/${ticket}`, headers }));
  return socket;
}

test('a ticket waits as often at a time as its bound says: one more is a 429 that says what costs less', async (t) => {
  const front = await file.start(t);
  const [ticket, another] = await front.admit(await front.create(), 1, 2);
  const sockets = Array.from({ length: limits.waitsPerTicketMax }, (_, n) => waitRaw(front, ticket!, n));
  await until('all wait', () => front.waiterCount() === limits.waitsPerTicketMax);
  expect([front.waits.count('long-poll'), front.waits.count('stream')]).toEqual([2, 2]);
  for (const way of WAYS) {
    const { status, headers, body } = await front.poll(ticket!, way);
    expect([status, body.type]).toEqual([429, 'urn:problem-type:sluice:too-many-waits']);
    expect(body).toMatchObject({
      detail: expect.stringMatching(/poll the ticket/),
      'violated-policies': ['waits-per-ticket'],
    });
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(headers.get('ratelimit-policy')).toBe('"waits-per-ticket";q=4;qu="concurrent-requests"');
  }
  // What it says works, and others are not concerned.
  expect(await front.poll(ticket!)).toMatchObject({ status: 200, body: { status: 'queued' } });
  sockets.push(waitRaw(front, another!, 0));
  await until('another ticket waits', () => front.waiterCount() === limits.waitsPerTicketMax + 1);
  for (const socket of sockets) socket.destroy();
  await until('nobody waits', () => front.waiterCount() === 0);
  const again = waitRaw(front, ticket!, 0);
  await until('it waits again', () => front.waiterCount() === 1);
  again.destroy();
});

test('a user waits for several tickets, as often at a time as the bound of users says', async (t) => {
  const front = await file.start(t);
  const each = limits.waitsPerTicketMax;
  const tickets = await Promise.all(
    Array.from({ length: limits.waitsPerIdentityMax / each + 1 }, async () => {
      const campaign = await front.create();
      return (await front.admit(campaign, 1, 1))[0]!;
    }),
  );
  const sockets = tickets
    .slice(0, -1)
    .flatMap((ticket) => Array.from({ length: each }, (_, n) => waitRaw(front, ticket, n, 'user-1')));
  t.onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
  await until('all wait', () => front.waiterCount() === limits.waitsPerIdentityMax);
  const refused = await front.poll(tickets.at(-1)!, { ...LONG_POLL, 'x-user-id': 'user-1' });
  expect([refused.status, refused.body['violated-policies']]).toEqual([429, ['waits-per-user']]);
  // Without a word of who asks only the ticket is counted.
  sockets.push(waitRaw(front, tickets.at(-1)!, 0));
  await until('one more', () => front.waiterCount() === limits.waitsPerIdentityMax + 1);
});

test('a stream and a long-poll end when their ticket has failed, and none begins', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  const polling = front.poll(ticket!, LONG_POLL);
  const { events, ended } = await watch(`${front.url}/v1/tickets/${ticket}`);
  await until('both wait', () => front.waiterCount() === 2);
  await settleAs(front, file.ledger(), campaign, 'failed:rejected');
  expect((await polling).body.status).toBe('failed');
  await ended;
  expect(events.map(({ data }) => data.status)).toEqual(['queued', 'failed']);
  // Comes back as rarely as a poller of a failed ticket: an operator may redrive it.
  expect(events.at(-1)!.retry).toBeGreaterThanOrEqual(limits.pollMaxMs * 0.8);
  const again = await watch(`${front.url}/v1/tickets/${ticket}`, { headers: { 'last-event-id': 'failed-0' } });
  await again.ended;
  expect(again.events.map(({ data }) => data.status)).toEqual(['failed']);
  expect((await front.poll(ticket!, LONG_POLL)).body.status).toBe('failed');
  expect(front.waiterCount()).toBe(0);
});

test('a wait ends with its connection where no event tells of it', async (t) => {
  const front = await file.start(t);
  const [ticket] = await front.admit(await front.create(), 1, 1);
  const held = front.tickets.hold(ticket!)!;
  let isGone = false;
  const wait = front.waits.open({ kind: 'stream', held, user: undefined, isGone: () => isGone });
  if (typeof wait === 'string') throw new Error(`refused: ${wait}`);
  const seen = (await front.tickets.status(held, undefined))!;
  const changed = front.waits.untilChanged(wait, seen, { waitMs: 3_600_000 });
  isGone = true;
  expect(await changed).toBe(seen);
  expect([wait.isOver, front.waiterCount()]).toEqual([true, 0]);
});

test('a long-poll ends when its time is over while the gates cannot be read', async (t) => {
  const redis = await ownRedis(t);
  const front = await file.start(t, { redisUrl: redis.url });
  const [ticket] = await front.admit(await front.create(), 1, 1);
  redis.stop();
  await until('the outage is noticed', async () => (await front.ask('/readyz')).status === 503);
  expect(await front.poll(ticket!, { prefer: 'wait=1' })).toMatchObject({ status: 200, body: { status: 'queued' } });
  redis.goOn();
});

test('all handlers that outlive their answer: the stream and the long-poll of GET, and they end with their connection', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  const document = async (url: string, headers: Record<string, string> = {}) =>
    (await (await fetch(url, { headers })).json()) as { paths: Record<string, Record<string, unknown>> };
  const { paths } = await document(`${front.url}/openapi.json`);
  const declared = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((m) => `${m} ${path}`));
  const calls = [...declared, 'get /livez', 'get /readyz', 'get /openapi.json', 'get /nothing']
    .flatMap((call) => (call.startsWith('get ') ? [call, call.replace('get', 'head')] : [call]))
    // Those that change something come last.
    .toSorted((a, b) => Number(/^(get|head)/.test(b)) - Number(/^(get|head)/.test(a)));
  expect(calls).toContain('head /v1/tickets/{ticket}');
  const outliving: string[] = [];
  for (const call of calls) {
    for (const [name, way] of Object.entries({ stream: EVENTS, wait: LONG_POLL })) {
      const [method, template] = call.split(' ') as [string, string];
      const path = template.replace('{id}', campaign).replace('{ticket}', ticket!);
      const socket = open(portOf(front));
      const over = new Promise<'ended'>((resolve) => socket.on('close', () => resolve('ended')).resume());
      socket.write(bytesOf({ method: method.toUpperCase(), path, headers: Object.entries(way) }));
      const waits = until(`${call} waits or is answered`, () => front.waiterCount() > 0 || socket.destroyed);
      if ((await Promise.race([over, waits])) !== 'ended' && front.waiterCount() > 0) outliving.push(`${call} ${name}`);
      socket.destroy();
      await until(`nobody waits in ${call}`, () => front.waiterCount() === 0);
    }
  }
  expect(outliving).toEqual(['get /v1/tickets/{ticket} stream', 'get /v1/tickets/{ticket} wait']);
});

test('a wait whose place was looked at and had not changed ended seconds after its time', async (t) => {
  const front = await file.start(t);
  const open = async (patience: { waitMs: number; placeAfterMs?: number }) => {
    const [ticket] = await front.admit(await front.create(), 1, 1);
    const held = front.tickets.hold(ticket!)!;
    const wait = front.waits.open({ kind: 'stream', held, user: undefined, isGone: () => false });
    if (typeof wait === 'string') throw new Error(`refused: ${wait}`);
    const seen = (await front.tickets.status(held, undefined))!;
    return { changed: front.waits.untilChanged(wait, seen, patience) };
  };
  // The short one comes first in every look: also where a look finds both of them due.
  const [short, long] = [await open({ waitMs: 1_500, placeAfterMs: 400 }), await open({ waitMs: 4_000 })];
  const first = await Promise.race([short.changed.then(() => 'short'), long.changed.then(() => 'long')]);
  expect(first).toBe('short');
  await long.changed;
});
