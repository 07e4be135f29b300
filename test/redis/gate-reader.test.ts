import { expect, test } from 'vitest';
import { backlogOf } from '../../src/domain/gate-view.ts';
import { userTag } from '../../src/domain/ids.ts';
import { createAdmittedTagsReader } from '../../src/gate/redis/admitted-tags.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createGateReader } from '../../src/gate/redis/gate-reader.ts';
import { createOldestWaitReader } from '../../src/gate/redis/oldest-wait.ts';
import { keys } from '../../src/redis/keys.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';

const joinsOf = (campaign: string, users: string[]) =>
  users.map((user) => ({ tag: userTag(campaign, user), user, trace: '' }));

test('gates are read in the order asked for, one that is missing as undefined', async (t) => {
  const redis = testRedis(t);
  const read = createGateReader(redis, () => 42);
  const [a, b] = [campaignOf(uniqueName('a'), { name: 'Ä', opensAt: 5 }), campaignOf(uniqueName('b'), { shards: 2 })];
  for (const campaign of [a, b]) await createGate(redis).project(campaign, true);
  const views = await read([b.id, 'no-such-campaign', a.id]);
  expect(views.map((view) => view?.id)).toEqual([b.id, undefined, a.id]);
  expect(views[2]).toMatchObject({ name: 'Ä', opensAt: 5, closesAt: null, readAt: 42, remaining: 10, seq: 0 });
  expect(views[0]!.watermarks).toEqual([0, 0]);
  expect(await read([])).toEqual([]);
});

test('what is left counts the units that came back', async (t) => {
  const redis = testRedis(t);
  const campaign = campaignOf(uniqueName('left'), { stock: 5 });
  const gate = createGate(redis);
  await gate.project(campaign, true);
  await gate.admit(campaign, joinsOf(campaign.id, ['x', 'y', 'z']), 0);
  await redis.zadd(keys.free(campaign.id), 2, 2);
  const [view] = await createGateReader(redis)([campaign.id]);
  expect([view!.remaining, view!.seq, backlogOf(view!)]).toEqual([3, 3, 3]);
});

test.for(['seq', 'watermark:1', 'stock'])(
  'a gate whose %s is no whole number is a fault, not a guess',
  async (field, t) => {
    const redis = testRedis(t);
    const campaign = campaignOf(uniqueName('odd'));
    await createGate(redis).project(campaign, true);
    await redis.hset(keys.gate(campaign.id), field, '1e400');
    await expect(createGateReader(redis)([campaign.id])).rejects.toMatchObject({ code: 'corrupt-state' });
  },
);

test('the tags of all who were admitted are listed, over many buckets, and no others', async (t) => {
  const redis = testRedis(t);
  const campaign = campaignOf(uniqueName('tags'), { stock: 1_000, buckets: 200 });
  const gate = createGate(redis);
  await gate.project(campaign, true);
  const joins = joinsOf(
    campaign.id,
    Array.from({ length: 500 }, (_, i) => `user-${i}`),
  );
  for (let i = 0; i < joins.length; i += 100) await gate.admit(campaign, joins.slice(i, i + 100), 0);
  const listed: string[] = [];
  for await (const tags of createAdmittedTagsReader(redis)(campaign.id, campaign.buckets)) listed.push(...tags);
  expect(listed.toSorted()).toEqual(joins.map(({ tag }) => tag).toSorted());
});

test('the oldest wait is the age of the first unsettled entry of any shard', async (t) => {
  const redis = testRedis(t);
  const campaign = campaignOf(uniqueName('wait'), { shards: 2 });
  const gate = createGate(redis);
  await gate.project(campaign, true);
  const [view] = await createGateReader(redis)([campaign.id]);
  expect(await createOldestWaitReader(redis)(view!)).toBeNull();
  const { decisions } = await gate.admit(campaign, joinsOf(campaign.id, ['x', 'y', 'z']), 0);
  const { admittedAt } = decisions[0] as { admittedAt: number };
  const readAtRedisTime = (ms: number) => ({ ...view!, readAt: 0, clock: { aheadMs: ms, doubtMs: 0 } });
  expect(await createOldestWaitReader(redis)(readAtRedisTime(admittedAt + 1_234))).toBe(1_234);
  expect(await createOldestWaitReader(redis)(readAtRedisTime(admittedAt - 50))).toBe(0);
});
