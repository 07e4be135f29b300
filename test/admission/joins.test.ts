import { expect, type TestContext, test } from 'vitest';
import { createCampaigns } from '../../src/admission/campaigns.ts';
import { createJoins } from '../../src/admission/joins.ts';
import { createFrontReaders } from '../../src/gate/redis/front-readers.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { limits } from '../../src/process/limits.ts';
import { openFast, untilReady } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { campaignOf } from '../helpers/redis.ts';
import { redisUrl, startRedis, uniqueName } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';

async function joining(t: TestContext, url = redisUrl()) {
  const redis = openFast({ url, name: 'test-joins', onError: () => undefined, commandMs: limits.gateCallMs });
  t.onTestFinished(() => redis.disconnect());
  await untilReady(redis, 5_000);
  const gate = createGate(redis);
  const batches: number[] = [];
  const campaigns = createCampaigns({
    ...createFrontReaders(redis),
    findEnd: async () => undefined,
    exists: () => false,
    onFound: () => undefined,
    onError: () => undefined,
  });
  const joins = createJoins({
    gate: {
      admit: (shape, batch, deadlineMs) => {
        batches.push(batch.length);
        return gate.admit(shape, batch, deadlineMs);
      },
    },
    campaigns,
  });
  const campaign = uniqueName('batch');
  await gate.project(campaignOf(campaign, { stock: 100_000 }), true);
  await campaigns.get(campaign);
  return { joins, batches, campaign, redis };
}

test('the joins of one turn go to the gate together, at most 128 at a time, and each gets its own answer', async (t) => {
  const { joins, batches, campaign } = await joining(t);
  const answers = await Promise.all(Array.from({ length: 300 }, async (_, i) => joins.join(campaign, `user-${i}`, '')));
  expect(batches.reduce((sum, size) => sum + size)).toBe(300);
  expect(batches).toHaveLength(3);
  expect(Math.max(...batches)).toBe(limits.joinBatchMax);
  // In the order in which they came.
  expect(answers.map((answer) => (answer!.decision as { seq: number }).seq)).toEqual(answers.map((_, i) => i + 1));
  expect(joins.waitingCount()).toBe(0);
});

test('a user twice in one turn is one user', async (t) => {
  const { joins, campaign } = await joining(t);
  const answers = await Promise.all(['ann', 'ann', 'bob', 'ann'].map(async (user) => joins.join(campaign, user, '')));
  expect(answers.map((answer) => answer!.decision.kind)).toEqual(['admitted', 'known', 'admitted', 'known']);
});

test('while the gate does not answer, what may wait is bounded, and the rest is refused at once', async (t) => {
  const proxy = await startTcpProxy(t, (await startRedis(t)).url);
  const { joins, campaign } = await joining(t, proxy.url);
  proxy.set('hold');
  const waiting = Array.from({ length: limits.joinsWaitingMax }, (_, i) =>
    Promise.resolve(joins.join(campaign, `user-${i}`, '')).catch((error: unknown) => error),
  );
  expect(joins.waitingCount()).toBe(limits.joinsWaitingMax);
  await expect(joins.join(campaign, 'one-too-many', '')).rejects.toMatchObject({ code: 'overloaded', retryable: true });
  proxy.set('reset');
  for (const outcome of await Promise.all(waiting)) expect(outcome).toMatchObject({ code: 'redis-unavailable' });
  expect(joins.waitingCount()).toBe(0);
});

test('a gate that has not answered for a while lets one round of joins wait, and the next is refused at once', async (t) => {
  const proxy = await startTcpProxy(t, (await startRedis(t)).url);
  const { joins, campaign } = await joining(t, proxy.url);
  proxy.set('hold');
  const underWay = limits.gateCallsMax * limits.joinBatchMax;
  const join = (user: string) => Promise.resolve(joins.join(campaign, user, '')).catch((error: unknown) => error);
  const outcomes = Array.from({ length: 2 * underWay }, (_, i) => join(`user-${i}`));
  expect(joins.isFull(campaign)).toBe(false);
  await until('it is full', limits.gateCallMs, () => joins.isFull(campaign));
  expect(joins.waitingCount()).toBe(2 * underWay);
  expect(await join('one-too-many')).toMatchObject({ code: 'overloaded', retryable: true });
  expect(joins.isFull('another-campaign')).toBe(false);
  proxy.set('pass');
  expect((await Promise.all(outcomes)).filter((outcome) => !(outcome instanceof Error))).toHaveLength(2 * underWay);
  expect(joins.isFull(campaign)).toBe(false);
});

test('a join of an unknown campaign is undefined, and a gate of a newer epoch is met at the second try', async (t) => {
  const { joins, campaign, redis } = await joining(t);
  expect(await joins.join('no-such-campaign', 'ann', '')).toBeUndefined();
  expect(await joins.join(campaign, 'ann', '')).toMatchObject({ decision: { kind: 'admitted' } });
  await redis.hset(keys.gate(campaign), 'epoch', 2);
  await expect(joins.join(campaign, 'bob', '')).rejects.toMatchObject({ code: 'stale-epoch', retryable: true });
  expect(await joins.join(campaign, 'bob', '')).toMatchObject({ decision: { kind: 'admitted', seq: 2 } });
});
