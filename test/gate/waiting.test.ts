// The one count of what waits, which workers are scaled by: every waiting ticket, and nothing where nothing waits.
import { expect, type TestContext, test } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createLines } from '../../src/gate/redis/lines.ts';
import { createReturns } from '../../src/gate/redis/returns.ts';
import { createSettlement } from '../../src/gate/redis/settlement.ts';
import { ensureGroups } from '../../src/gate/redis/work-groups.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { joinOf } from '../lua/sold.ts';

async function openPlace(t: TestContext) {
  const redis = testRedis(t, (await startRedis(t)).url);
  const gate = createGate(redis);
  const lines = createLines(redis);
  const waiting = async () => {
    const found = await lines.waiting();
    expect(await lines.waitingCount()).toBe(found.ticketCount);
    return found;
  };
  async function open(shards: number) {
    const campaign = campaignOf(uniqueName('waits'), { shards, stock: 1_000 });
    await gate.project(campaign, true);
    await ensureGroups(redis, campaign.id, shards);
    const admit = (...users: string[]) =>
      gate.admit(
        campaign,
        users.map((user) => joinOf(campaign.id, user)),
        0,
      );
    const cancel = (user: string) => createReturns(redis).cancel(campaign, joinOf(campaign.id, user).tag);
    const readmit = (user: string, admittedAt: number) => {
      const signed = {
        campaign: campaign.id,
        tag: userTag(campaign.id, user),
        admittedAt,
        epoch: 1,
        seq: 900,
        unit: 900,
      };
      return gate.readmit(campaign, user, signed as never, '');
    };
    return { campaign, admit, cancel, readmit };
  }
  return { redis, waiting, open };
}

test('nothing waits: all numbers are 0, also beside campaigns that are open', async (t) => {
  const { waiting, open } = await openPlace(t);
  expect(await waiting()).toEqual({ ticketCount: 0, campaignCount: 0, oldestWaitMs: 0, busiest: [] });
  await open(3);
  expect(await waiting()).toEqual({ ticketCount: 0, campaignCount: 0, oldestWaitMs: 0, busiest: [] });
});

test('a ticket counts from its join until it is settled, while a worker has it too, over all campaigns', async (t) => {
  const { redis, waiting, open } = await openPlace(t);
  const [one, other] = [await open(2), await open(8)];
  await one.admit('a', 'b', 'c');
  await other.admit('a', 'b');
  const { id } = one.campaign;
  const each = (rest: object) => ({ settledCount: 0, oldestWaitMs: expect.any(Number), ...rest });
  const busiest = [each({ id, ticketCount: 3 }), each({ id: other.campaign.id, ticketCount: 2 })];
  expect(await waiting()).toMatchObject({ ticketCount: 5, campaignCount: 2, busiest });
  await redis.xreadgroup('GROUP', GROUP, 'worker', 'STREAMS', keys.work(id, 1), '>');
  expect(await waiting()).toMatchObject({ ticketCount: 5, campaignCount: 2 });
  const entries = [{ seq: 1 }, { seq: 3 }];
  expect(await createSettlement(redis).settle({ campaign: id, epoch: 1, shard: 1, entries }, [])).toBe(2);
  const [busy] = (await waiting()).busiest;
  expect(await waiting()).toMatchObject({ ticketCount: 3, campaignCount: 2 });
  expect(busy).toEqual(each({ id: other.campaign.id, ticketCount: 2 }));
});

test('the lag of Redis became NULL when a ticket was given back, and a scaler read 0 while tickets waited', async (t) => {
  const { redis, waiting, open } = await openPlace(t);
  const { campaign, admit, cancel } = await open(1);
  await admit(...Array.from({ length: 70 }, (_, n) => `user-${n}`));
  await cancel('user-9');
  const [group] = (await redis.xinfo('GROUPS', keys.work(campaign.id, 0))) as unknown[][];
  expect(group![group!.indexOf('lag') + 1]).toBeNull();
  expect(await waiting()).toMatchObject({ ticketCount: 69, campaignCount: 1 });
});

test('the oldest wait is that of the oldest ticket, whichever shard and campaign it is in', async (t) => {
  const { redis, waiting, open } = await openPlace(t);
  const [young, old] = [await open(4), await open(4)];
  await young.admit('a', 'b');
  const fresh = await waiting();
  const [seconds] = (await redis.time()).map(Number) as [number, number];
  await old.readmit('lost', seconds * 1_000 - 60_000);
  const { oldestWaitMs } = await waiting();
  expect(oldestWaitMs).toBeGreaterThanOrEqual(60_000);
  expect(oldestWaitMs).toBeGreaterThan(fresh.oldestWaitMs);
  await old.cancel('lost');
  expect(await waiting()).toMatchObject({ ticketCount: 2, campaignCount: 1 });
});

test('the first ticket of each shard was given back: the oldest is found where it is', async (t) => {
  const { redis, waiting, open } = await openPlace(t);
  const { campaign, admit, cancel } = await open(3);
  await admit('a', 'b', 'c', 'd', 'e');
  for (const user of ['a', 'b', 'd']) await cancel(user);
  // What a crash or an intruder may leave: the shard that should have the oldest has no entry.
  await redis.hset(keys.gate(campaign.id), 'watermark:1', 0);
  const [[, fields]] = (await redis.xrange(keys.work(campaign.id, 0), '-', '+', 'COUNT', 1)) as [[string, string[]]];
  const before = await redis.time();
  const { oldestWaitMs } = await waiting();
  const admittedAt = Number(fields[fields.indexOf('admitted_at') + 1]);
  expect(oldestWaitMs).toBeGreaterThanOrEqual(
    Math.floor(Number(before[0]) * 1_000 + Number(before[1]) / 1_000 - admittedAt) - 1,
  );
});

test('campaigns that have nothing waiting cost no read', async (t) => {
  const { redis, waiting, open } = await openPlace(t);
  const { admit } = await open(8);
  await admit('a');
  const callsOf = async () => {
    const stats = await redis.info('commandstats');
    return ['hmget', 'xrange', 'zrange'].map((name) =>
      Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0),
    );
  };
  const cost = async () => {
    const before = await callsOf();
    await waiting();
    return (await callsOf()).map((calls, index) => calls - before[index]!);
  };
  const alone = await cost();
  for (let n = 0; n < 40; n += 1) await open(1);
  expect(await cost()).toEqual(alone);
});
