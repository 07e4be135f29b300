import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { keys } from '../../src/redis/keys.ts';
import { primaries } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import type { Answer } from './client.ts';
import { fronts, type TestFront } from './front.ts';
import { ownRedis } from './own-redis.ts';
import { expectFields } from './structured-fields.ts';

const file = fronts();

/** What one user may join in a window: half of it unquestioned by each front, half counted over all of them. */
const QUOTA = 2 * limits.clientWindowSeconds;
const HALF = QUOTA / 2;

async function joins(front: TestFront, campaign: string, user: string, count: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i += 1) answers.push(await front.join(campaign, user));
  return answers;
}

const refusedCount = (answers: Answer[]): number => answers.filter(({ status }) => status === 429).length;

test('a user who joins too often is refused with the quota in whole fields; others do not notice', async (t) => {
  const front = await file.start(t, { joinsPerSecond: 2 });
  const campaign = await front.create();
  const user = uniqueName('greedy');
  const answers = await joins(front, campaign, user, QUOTA + 5);
  expect(refusedCount(answers)).toBe(5);
  expectFields(answers.at(-1)!, 'joins-per-user');
  expect(answers.at(-1)!.headers.get('ratelimit-policy')).toBe(`"joins-per-user";q=${QUOTA};w=10`);
  expect((await front.join(campaign, uniqueName('modest'))).status).toBe(202);
});

test('a user who joins rarely costs the store no count', async (t) => {
  const front = await file.start(t, { joinsPerSecond: 2 });
  const campaign = await front.create({ ratePerSecond: 1, burst: 1 });
  await front.admit(campaign, 1, 1);
  const user = uniqueName('modest');
  await front.join(campaign, user);
  const before = front.questionCount();
  await joins(front, campaign, user, HALF - 1);
  // Refused by the bucket, from memory but for the moments when it may hold a token again.
  expect(front.questionCount() - before).toBeLessThan(HALF / 2);
});

test('a user who spreads over two fronts gets only the unquestioned half a second time', async (t) => {
  const [a, b] = [await file.start(t, { joinsPerSecond: 2 }), await file.start(t, { joinsPerSecond: 2 })];
  const campaign = await a.create();
  const user = uniqueName('spread');
  expect(refusedCount(await joins(a, campaign, user, QUOTA + 2))).toBe(2);
  expect(refusedCount(await joins(b, campaign, user, HALF))).toBe(0);
  expect(refusedCount(await joins(b, campaign, user, 5))).toBe(5);
});

test('nothing of a user id is in the key that counts it', async (t) => {
  const front = await file.start(t, { joinsPerSecond: 2 });
  const campaign = await front.create();
  const user = `{${uniqueName('tagged')}}:*`;
  await joins(front, campaign, user, QUOTA);
  const found: string[] = [];
  for (const node of primaries(front.redis)) {
    for await (const names of node.scanStream({ match: `${keys.clientLimit}:*`, count: 1_000 })) {
      found.push(...(names as string[]));
    }
  }
  expect(found.length).toBeGreaterThan(0);
  for (const name of found) expect(name).toMatch(/^sluice:limit:[A-Za-z0-9_-]+$/);
});

test('while Redis is away the count goes on in process, and the limiter itself refuses nobody too early', async (t) => {
  const proxy = await startTcpProxy(t, (await ownRedis(t)).url);
  const front = await file.start(t, { redisUrl: proxy.url, joinsPerSecond: 2 });
  const campaign = await front.create();
  await front.join(campaign, 'ann');
  proxy.set('reset');
  await until('the outage is noticed', 2_000, async () => (await front.ask('/readyz')).status === 503);
  const user = uniqueName('greedy');
  const answers = await joins(front, campaign, user, QUOTA + 10);
  const firstRefusal = answers.findIndex(({ status }) => status === 429);
  expect(answers.slice(0, firstRefusal).every(({ status }) => status === 503)).toBe(true);
  expect(firstRefusal).toBe(QUOTA);
  expect(refusedCount(answers)).toBe(10);
});
