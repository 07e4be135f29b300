// A sold-out that was true a moment ago: units came, and the gate went.
import { expect, test } from 'vitest';
import { keys } from '../../src/redis/keys.ts';
import { until } from '../helpers/until.ts';
import { fronts, type TestFront } from './front.ts';

const file = fronts();

async function sellOut(front: TestFront): Promise<string> {
  const campaign = await front.create({ stock: 1, shards: 1 });
  await front.admit(campaign, 1, 1);
  await until('a sold-out from memory', 60_000, async () => {
    const before = front.questionCount();
    return (await front.join(campaign, 'a-stranger')).status === 409 && front.questionCount() === before;
  });
  return campaign;
}

const addStock = (front: TestFront, campaign: string) =>
  front.admin('POST', `/admin/campaigns/${campaign}/stock`, { add: 1_000 }, { 'idempotency-key': 'more' });

test('stock is added and the gate is gone: not one join is told sold-out', async (t) => {
  const front = await file.start(t);
  const campaign = await sellOut(front);
  await front.redis.del(keys.gate(campaign));
  expect((await addStock(front, campaign)).status).toBe(200);
  // Joins at once: before any reading could have shown that the gate is gone.
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => front.join(campaign, `late-${n}`)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
});

test('stock added on this front is sold by the very next join', async (t) => {
  const front = await file.start(t);
  const campaign = await sellOut(front);
  await addStock(front, campaign);
  expect((await front.join(campaign, 'next')).status).toBe(202);
});

test('another front, whose readings find no gate, asks: 503, and its page of the sale does not say sold out either', async (t) => {
  const front = await file.start(t);
  const other = await file.start(t);
  const campaign = await sellOut(front);
  await until('the other front knows', 60_000, async () => (await other.join(campaign, 'a-stranger')).status === 409);
  await addStock(front, campaign);
  await other.redis.del(keys.gate(campaign));
  const memory = other.campaigns.peek(campaign)!;
  await until('a reading that found none', 60_000, () => !memory.isAnswering);
  // As if the last reading that found it were from this very moment, and said what it said before the change.
  memory.view = { ...memory.view, remaining: 0, readAt: performance.now() };
  expect((await other.join(campaign, 'late')).status).toBe(503);
  memory.view = { ...memory.view, readAt: performance.now() };
  expect((await other.ask(`/v1/campaigns/${campaign}`)).status).toBe(503);
});
