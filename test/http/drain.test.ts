import { type ClientRequest, get } from 'node:http';
import { expect, type TestContext, test } from 'vitest';
import { listen } from '../../src/http/listen.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { until } from '../helpers/until.ts';
import { fronts } from './front.ts';
import { open } from './raw.ts';

const file = fronts();

/** A listener that answers when told to. */
async function slowListener(t: TestContext) {
  const answer = Promise.withResolvers<void>();
  let inHand = 0;
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      inHand += 1;
      if (new URL(request.url).pathname === '/slow') await answer.promise;
      return new Response('done');
    },
  });
  t.onTestFinished(async () => {
    answer.resolve();
    await listener.close(0);
  });
  return { listener, answer: answer.resolve, inHand: () => inHand };
}

const connectionOf = async (url: string) => (await fetch(url)).headers.get('connection');

/** How many of these requests got their answer. */
async function answeredCount(asked: readonly Promise<Response>[]): Promise<number> {
  const results = await Promise.allSettled(asked);
  return results.filter(({ status }) => status === 'fulfilled').length;
}

test('a listener that winds down serves on, and each answer is the last of its connection', async (t) => {
  const { listener } = await slowListener(t);
  expect(await connectionOf(listener.url)).toBe('keep-alive');
  listener.windDown();
  expect(await connectionOf(listener.url)).toBe('close');
  expect(await connectionOf(listener.url)).toBe('close');
});

test('closing waits for the request in hand, and its idle connection does not hold it up', async (t) => {
  const { listener, answer, inHand } = await slowListener(t);
  const idle = open(Number(new URL(listener.url).port));
  let said = '';
  idle.on('data', (data: Buffer) => (said += data.toString()));
  idle.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('a connection that is idle again', () => said.endsWith('done'));
  const asked = [fetch(`${listener.url}/slow`)];
  await until('it is in hand', () => inHand() === 2);
  const closing = listener.close(10 * DEADLINE_MS);
  await expect(fetch(listener.url)).rejects.toThrow();
  await until('the idle connection is closed', () => idle.closed);
  answer();
  expect(await closing).toBe(0);
  expect(await answeredCount(asked)).toBe(1);
});

test('a request that outlasts the drain is cut, and counted', async (t) => {
  const { listener, inHand } = await slowListener(t);
  const asked = [fetch(`${listener.url}/slow`), fetch(`${listener.url}/slow`)];
  const answered = answeredCount(asked);
  await until('they are in hand', 2_000, () => inHand() === 2);
  expect(await listener.close(100)).toBe(2);
  expect(await answered).toBe(0);
});

test('who waits for a ticket is answered at once when the front leaves', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  // It began to wait earlier, for as long, at a front that stays: when it waits still, the others' time was not over.
  const another = await file.start(t);
  const longer = another.poll(ticket!, { prefer: 'wait=30' });
  await until('it waits', () => another.waiterCount() === 1);
  const waiting = front.poll(ticket!, { prefer: 'wait=30' });
  let streamed = '';
  const streaming = new Promise<void>((resolve, reject) => {
    const headers = { accept: 'text/event-stream' };
    const request: ClientRequest = get(`${front.url}/v1/tickets/${ticket}`, { headers }, (response) => {
      response.setEncoding('utf8').on('data', (chunk: string) => (streamed += chunk));
      response.once('end', resolve);
    });
    request.once('error', reject);
  });
  await until('both wait', () => front.waiterCount() === 2);
  front.drain();
  expect((await waiting).body).toMatchObject({ ticket, status: 'queued' });
  await streaming;
  expect(streamed).toContain('event: ticket');
  expect(another.waiterCount()).toBe(1);
  another.drain();
  await longer;
});
