import { spawn } from 'node:child_process';
import { Hono } from 'hono';
import { expect, type TestContext, test } from 'vitest';
import { listen } from '../../src/http/listen.ts';
import { createTicketStream } from '../../src/http/public/ticket-stream.ts';
import { until } from '../helpers/until.ts';
import { fronts, type TestFront, untilKnown } from './front.ts';
import { issue } from './issue.ts';
import { bytesOf, send } from './raw.ts';
import { watch } from './watch.ts';

const file = fronts();
const WITHIN_MS = 60_000;

const urlOf = (front: TestFront, ticket: string) => `${front.url}/v1/tickets/${ticket}`;

async function waitingTicket(front: TestFront): Promise<string> {
  const [ticket] = await front.admit(await front.create(), 1, 1);
  return ticket!;
}

async function issuedTicket(t: TestContext, front: TestFront): Promise<string> {
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  await issue(t, front, file.ledger(), campaign);
  await untilKnown(front, campaign, ({ view }) => view.settledCount === 1);
  return ticket!;
}

/** Follows `url` as a browser does, with the EventSource of Node; what happened, once it has given up by itself. */
async function followAsBrowser(t: TestContext, url: string): Promise<string[]> {
  const script = `
    const source = new EventSource(process.argv[1]);
    source.addEventListener('ticket', ({ data, lastEventId }) => console.log('event ' + JSON.parse(data).status + ' ' + lastEventId));
    // A process would not wait for it to come back.
    const waiting = setInterval(() => undefined, 1_000);
    source.onerror = () => {
      const isClosed = source.readyState === EventSource.CLOSED;
      console.log(isClosed ? 'closed' : 'comes back');
      if (isClosed) clearInterval(waiting);
    };
  `;
  const args = ['--experimental-eventsource', '--disable-warning=UNDICI-ES', '-e', script, url];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.onTestFinished(() => void child.kill());
  let said = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) said += chunk;
  return said.trim().split('\n');
}

test.concurrent('an EventSource of an issued ticket hears of it once, comes back once, and stays away', {
  timeout: 2 * WITHIN_MS,
}, async (t) => {
  const front = await file.start(t);
  const ticket = await issuedTicket(t, front);
  expect(await followAsBrowser(t, urlOf(front, ticket))).toEqual(['event issued issued-1', 'comes back', 'closed']);
});

test.concurrent('the last event has an id, and who has heard it is told that there is nothing more', async (t) => {
  const front = await file.start(t);
  const ticket = await issuedTicket(t, front);
  const first = await watch(urlOf(front, ticket));
  await first.ended;
  expect(first.events).toMatchObject([{ id: 'issued-1', data: { status: 'issued' } }]);
  const again = await front.poll(ticket, { accept: 'text/event-stream', 'last-event-id': 'issued-1' });
  expect([again.status, again.text, again.headers.get('cache-control')]).toEqual([204, '', 'no-store']);
  // Who has not heard it is told, and so is everybody when it ends another way.
  const other = await watch(urlOf(front, ticket), { headers: { 'last-event-id': 'queued-0' } });
  await other.ended;
  expect(other.events).toMatchObject([{ id: 'issued-1' }]);
  expect((await front.giveBack(ticket)).body.status).toBe('cancelled');
  const changed = await watch(urlOf(front, ticket), { headers: { 'last-event-id': 'issued-1' } });
  await changed.ended;
  expect(changed.events).toMatchObject([{ id: 'cancelled-0', data: { status: 'cancelled' } }]);
  // A poll is no stream.
  expect(await front.poll(ticket, { 'last-event-id': 'cancelled-0' })).toMatchObject({ status: 200 });
});

test.concurrent('a stream says when to come back: as a poll would, and without hurry after its last event', async (t) => {
  const front = await file.start(t);
  const ticket = await waitingTicket(front);
  const { response, events, ended } = await watch(urlOf(front, ticket));
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  await until('the first event', WITHIN_MS, () => events.length === 1);
  expect(events[0]).toMatchObject({ id: 'queued-0', retry: events[0]!.data.pollAfterMs });
  await front.giveBack(ticket);
  await ended;
  expect(events[1]!.data).toMatchObject({ status: 'cancelled', pollAfterMs: 0 });
  expect(events[1]!.retry).toBeGreaterThanOrEqual(8_000);
});

test.concurrent('a front that leaves tells a client that comes all the same where its ticket stands and when to come back', async (t) => {
  const front = await file.start(t);
  const ticket = await waitingTicket(front);
  front.drain();
  const { events, ended } = await watch(urlOf(front, ticket));
  await ended;
  expect(events).toMatchObject([{ data: { status: 'queued' }, retry: expect.any(Number) }]);
});

test.concurrent('HEAD neither streams nor waits', async (t) => {
  const front = await file.start(t);
  const ticket = await waitingTicket(front);
  const head = (headers: Record<string, string>) => front.ask(`/v1/tickets/${ticket}`, { method: 'HEAD', headers });
  // The patience of the test is shorter than the wait.
  expect(await head({ prefer: 'wait=30' })).toMatchObject({ status: 200, text: '' });
  const streamed = await head({ accept: 'text/event-stream' });
  expect([streamed.status, streamed.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect(front.waiterCount()).toBe(0);
  const leaving = new AbortController();
  const { events } = await watch(urlOf(front, ticket), { signal: leaving.signal });
  await until('a stream of GET tells something', WITHIN_MS, () => events.length === 1);
  expect(front.waiterCount()).toBe(1);
  leaving.abort();
  await until('nobody waits', WITHIN_MS, () => front.waiterCount() === 0);
});

test.concurrent('a client of HTTP/1.0 gets a stream without chunks, which ends with the connection', async (t) => {
  const front = await file.start(t);
  const ticket = await waitingTicket(front);
  const bytes = bytesOf({
    version: 'HTTP/1.0',
    path: `/v1/tickets/${ticket}`,
    headers: [['Accept', 'text/event-stream']],
  });
  const streaming = send(Number(new URL(front.url).port), bytes, WITHIN_MS);
  await until('it waits', WITHIN_MS, () => front.waiterCount() === 1);
  await front.giveBack(ticket);
  const { headers, body } = await streaming;
  expect(headers).toMatchObject({ connection: 'close', 'content-type': 'text/event-stream' });
  expect(headers).not.toHaveProperty('transfer-encoding');
  expect(body).toMatch(/^event: ticket\n/);
  expect(body.match(/^event: ticket$/gm)).toHaveLength(2);
});

/** Streams of a front's tickets that beat and end sooner than those of the front itself. */
async function quickStreams(t: TestContext, front: TestFront, lifeMs: number) {
  const rhythm = { periodMs: 40, lifeMs, slots: 4 };
  const stream = createTicketStream({ waits: front.waits }, rhythm);
  const app = new Hono().get('/:ticket', async (c) => {
    const held = front.tickets.hold(c.req.param('ticket'))!;
    return stream(c, { held, user: undefined, body: (await front.tickets.status(held, undefined))! });
  });
  const listener = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 0 });
  t.onTestFinished(() => listener.close(200).then(() => undefined));
  return listener.url;
}

test.concurrent('a stream of a ticket that waits says something all the time, and its events stay whole', async (t) => {
  const front = await file.start(t);
  const ticket = await waitingTicket(front);
  const { events, commentCount, ended } = await watch(`${await quickStreams(t, front, WITHIN_MS)}/${ticket}`);
  await until('comments between events', WITHIN_MS, () => commentCount() >= 5);
  await front.giveBack(ticket);
  await ended;
  expect(events.map(({ data }) => data.status)).toEqual(['queued', 'cancelled']);
});

test.concurrent('a stream ends when it has lasted its time, and nobody waits any more', async (t) => {
  const front = await file.start(t);
  const ticket = await waitingTicket(front);
  const { events, ended } = await watch(`${await quickStreams(t, front, 200)}/${ticket}`);
  await ended;
  expect(events.map(({ data }) => data.status)).toEqual(['queued']);
  await until('nobody waits', WITHIN_MS, () => front.waiterCount() === 0);
});
