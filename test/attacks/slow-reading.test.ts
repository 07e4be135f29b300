// Which attacks make a front read their client slowly, and that the refusals of a sale do not.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { fronts, type TestFront, TOKEN } from '../http/front.ts';

const file = fronts();
const COUNT = limits.refusalsPerAddress + 1;
const guess = () => randomBytes(8).toString('hex');

/** A front that counts clients of the loopback as it counts those of the internet, and how often it read them slowly. */
async function place(t: Parameters<typeof file.start>[0], settings: Parameters<typeof file.start>[1] = {}) {
  let slowedCount = 0;
  const onSlowed = () => {
    slowedCount += 1;
  };
  const slowReading = { countedBy: () => 'the client', slowReadMs: 1, now: () => 0, onSlowed };
  const front = await file.start(t, { slowReading, ...settings });
  return { front, slowedCount: () => slowedCount };
}

/** Sends `COUNT` requests and returns the statuses of their answers, each once. */
async function flood(send: (n: number) => Promise<{ status: number }>): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < COUNT; n += 1) statuses.push((await send(n)).status);
  return [...new Set(statuses)].toSorted((a, b) => a - b);
}

const ask = (front: TestFront, method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(`${front.url}${path}`, { method, headers }).then(async (answer) => {
    await answer.arrayBuffer();
    return answer;
  });

test.for([
  ['campaign ids', 'GET', () => `/v1/campaigns/${guess()}`, [404, 503]],
  ['campaign ids of joins', 'POST', () => `/v1/campaigns/${guess()}/tickets`, [404, 503]],
  ['tickets', 'GET', () => `/v1/tickets/${guess()}`, [404]],
  ['tickets to give back', 'DELETE', () => `/v1/tickets/${guess()}`, [404]],
  ['paths', 'GET', () => `/${guess()}`, [404]],
] as const)('a client that guesses %s', async ([, method, path, expected], t) => {
  const { front, slowedCount } = await place(t);
  const headers = { 'x-user-id': 'eve' };
  expect(expected).toEqual(expect.arrayContaining(await flood(() => ask(front, method, path(), headers))));
  expect(slowedCount()).toBeGreaterThan(0);
});

test('a client that polls and gives back beyond the quota of its ticket', async (t) => {
  const { front, slowedCount } = await place(t, { pollsPerSecond: 1 });
  const campaign = await front.create({ stock: 1 });
  const { body } = await front.join(campaign, 'eve');
  const methods = ['GET', 'HEAD', 'DELETE'];
  const headers = { 'x-user-id': 'eve' };
  let statuses: number[] = [];
  for (let rounds = 0; rounds < 60 && slowedCount() === 0; rounds += 1) {
    statuses = await flood((n) => ask(front, methods[n % methods.length]!, `/v1/tickets/${body.ticket}`, headers));
  }
  expect(statuses).toContain(429);
  expect(slowedCount()).toBeGreaterThan(0);
});

test('a client that gives a ticket back again and again', async (t) => {
  const { front, slowedCount } = await place(t);
  const campaign = await front.create({ stock: 1 });
  const { body } = await front.join(campaign, 'eve');
  const giveBack = () => ask(front, 'DELETE', `/v1/tickets/${body.ticket}`, { 'x-user-id': 'eve' });
  expect((await giveBack()).status).toBe(200);
  expect(await flood(giveBack)).toEqual([200]);
  expect(slowedCount()).toBeGreaterThan(0);
});

test('a client that guesses admin tokens; the right one is answered', async (t) => {
  const { front, slowedCount } = await place(t);
  const wrong = () => fetch(`${front.adminUrl}/admin/campaigns`, { headers: { authorization: `Bearer ${guess()}` } });
  const answers = await Promise.all(Array.from({ length: COUNT + limits.adminRefusalsWaitingMax }, wrong));
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  expect(slowedCount()).toBeGreaterThan(0);
  const right = await fetch(`${front.adminUrl}/admin/campaigns`, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(right.status).toBe(200);
});

test('a crowd behind one address that hears what a sale says is read as ever', async (t) => {
  const { front, slowedCount } = await place(t);
  const soldOut = await front.create({ stock: 1 });
  await front.join(soldOut, 'ann');
  const closed = await front.create({ stock: 10, opensAt: new Date(Date.now() + 3_600_000).toISOString() });
  const throttled = await front.create({ stock: 1_000, ratePerSecond: 1, burst: 1 });
  const join = (campaign: string) => (n: number) =>
    ask(front, 'POST', `/v1/campaigns/${campaign}/tickets`, { 'x-user-id': `buyer-${n}` });
  expect(await flood(join(soldOut))).toEqual([409]);
  expect(await flood(join(closed))).toEqual([409]);
  expect(await flood(join(throttled))).toContain(429);
  expect(slowedCount()).toBe(0);
});
