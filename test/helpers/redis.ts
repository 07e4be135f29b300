// A connection for tests, closed with the test.
import { Redis } from 'ioredis';
import type { TestContext } from 'vitest';
import { redisUrl } from './services.ts';

/** Connected to the shared Redis, or to `url`. */
export function testRedis(t: TestContext, url = redisUrl()): Redis {
  const redis = new Redis(url, { protocol: 2, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  t.onTestFinished(() => redis.disconnect());
  return redis;
}

/** A campaign as the gate takes it, with everything a test does not care about filled in. */
export const campaignOf = (id: string, settings: Partial<import('../../src/domain/campaign.ts').Campaign> = {}) => ({
  id,
  name: id,
  stock: 10,
  opensAt: null,
  closesAt: null,
  ratePerSecond: 0,
  burst: 1,
  backlogMax: 0,
  shards: 3,
  buckets: 16,
  state: 'active' as const,
  version: 1,
  epoch: 1,
  createdAt: 0,
  ...settings,
});
