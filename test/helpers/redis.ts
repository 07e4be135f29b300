// A connection for tests, closed with the test.
import { Cluster, type Redis } from 'ioredis';
import type { TestContext } from 'vitest';
import { type Campaign, newSettings } from '../../src/domain/campaign.ts';
import { createClient, type RedisClient } from '../../src/redis/client.ts';
import { redisUrl } from './services.ts';

/** Connected to the shared Redis, or to `url`; its commands wait for Redis. */
export function testRedis(t: TestContext, url = redisUrl()): RedisClient {
  const profile = { name: 'test', silentMs: 60_000, retries: null, queue: true, outlastsFailover: true } as const;
  const redis = createClient({ url }, profile);
  redis.on('error', () => undefined);
  t.onTestFinished(() => redis.disconnect());
  return redis;
}

/** The servers that hold the data, one by one. */
export const primaries = (redis: RedisClient): Redis[] => (redis instanceof Cluster ? redis.nodes('master') : [redis]);

/** All keys that match, wherever they are. */
export const keysLike = async (redis: RedisClient, pattern: string): Promise<string[]> =>
  (await Promise.all(primaries(redis).map((node) => node.keys(pattern)))).flat();

/** A campaign as the gate takes it, with everything a test does not care about filled in. */
export const campaignOf = (id: string, settings: Partial<Campaign> = {}) => ({
  ...newSettings({ id, stock: 10, shards: 3 }),
  id,
  buckets: 16,
  state: 'active' as const,
  version: 1,
  epoch: 1,
  createdAt: 0,
  ...settings,
});
