// Joins that meet a gate which no worker has verified since its Redis was started.
import { expect, type TestContext, test } from 'vitest';
import { createCampaigns } from '../../src/admission/campaigns.ts';
import { createClosedGates } from '../../src/admission/closed-gates.ts';
import { createJoins } from '../../src/admission/joins.ts';
import { createFrontReaders } from '../../src/gate/redis/front-readers.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createGateStates } from '../../src/gate/redis/gate-states.ts';
import { keys } from '../../src/redis/keys.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';

/** A front's joins of a campaign whose gate is closed; `open` does what a worker does with a gate that it found whole. */
async function closedGate(t: TestContext, waitMs?: number) {
  const redis = testRedis(t);
  const noted: string[][] = [];
  const onError = () => undefined;
  const closed = createClosedGates({
    note: async (ids) => void noted.push([...ids]),
    onError,
    ...(waitMs !== undefined && { waitMs }),
  });
  const gate = closed.noting(createGate(redis));
  const campaigns = createCampaigns({
    ...createFrontReaders(redis),
    findEnd: async () => undefined,
    exists: () => true,
    onFound: () => undefined,
    onError,
  });
  let callCount = 0;
  const admit: typeof gate.admit = (...rest) => {
    callCount += 1;
    return gate.admit(...rest);
  };
  const joins = createJoins({ gate: { admit }, campaigns, closed });
  const campaign = campaignOf(uniqueName('closed'), { stock: 5_000 });
  await gate.project(campaign, true);
  await campaigns.get(campaign.id);
  const run = await redis.hget(keys.gate(campaign.id), 'run_id');
  await redis.hset(keys.gate(campaign.id), 'run_id', 'ab'.repeat(20));
  const join = async (user: string) => joins.join(campaign.id, user, '');
  return {
    ...{ joins, join, noted, campaign },
    callCount: () => callCount,
    open: async () => {
      await createGateStates(redis, 0).promote(campaign, 2, run!);
      await campaigns.refresh(campaign.id);
    },
  };
}

test('a join of a gate that opened a moment later was a 503', async (t) => {
  const { join, noted, open, campaign, joins, callCount } = await closedGate(t, 60_000);
  const waiting = [join('ann'), join('bob')];
  // It asks in vain first, and notes what it asked for.
  await expect.poll(() => noted).toEqual([[campaign.id]]);
  await open();
  const answers = await Promise.all(waiting);
  expect(answers.map((answer) => answer!.decision)).toMatchObject([
    { kind: 'admitted', seq: 1 },
    { kind: 'admitted', seq: 2 },
  ]);
  expect(callCount()).toBe(2);
  expect(joins.waitingCount()).toBe(0);
});

test('a join asks a gate that stays closed twice, and is then refused', async (t) => {
  const { join, callCount, joins } = await closedGate(t);
  await expect(join('ann')).rejects.toMatchObject({ code: 'gate-unverified', retryable: true });
  expect(callCount()).toBe(2);
  expect(joins.waitingCount()).toBe(0);
});

test('of a crowd at a closed gate a bounded number waits, and the rest is refused at once', async (t) => {
  const { join, joins, open } = await closedGate(t, 60_000);
  let refusedCount = 0;
  const answers = Array.from({ length: 1_500 }, (_, index) =>
    join(`user-${index}`).catch((error: { code: string }) => {
      refusedCount += 1;
      return error.code;
    }),
  );
  await expect.poll(() => refusedCount).toBeGreaterThanOrEqual(500);
  await open();
  const told = await Promise.all(answers);
  expect(told.filter((answer) => answer === 'gate-unverified').length).toBe(refusedCount);
  expect(told.filter((answer) => typeof answer === 'object').length).toBeLessThanOrEqual(1_000);
  expect(joins.waitingCount()).toBe(0);
});
