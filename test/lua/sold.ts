// A gate that has sold four of its hundred units and got one back.
import type { TestContext } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { keys } from '../../src/redis/keys.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';

export const joinOf = (campaign: string, user: string) => ({ tag: userTag(campaign, user), user, trace: '' });

export async function sold(t: TestContext, name: string) {
  const redis = testRedis(t);
  const campaign = campaignOf(uniqueName(name), { stock: 100, ratePerSecond: 50, burst: 50 });
  const gate = createGate(redis);
  await gate.project(campaign, true);
  await gate.admit(
    campaign,
    ['a', 'b', 'c', 'd'].map((user) => joinOf(campaign.id, user)),
    0,
  );
  await redis.zadd(keys.free(campaign.id), 77, 77);
  return { redis, campaign, gate };
}
