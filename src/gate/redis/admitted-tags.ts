// Lists the tags of all admitted users of a campaign, a few buckets at a time.
import type { RedisClient } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { readWhole } from '../../redis/reads.ts';
import type { ReadAdmittedTags } from '../port.ts';

/** Buckets per reading: about 6,000 tags, 3 ms of Redis. */
const BUCKETS_PER_READ = 64;

export function createAdmittedTagsReader(redis: RedisClient): ReadAdmittedTags {
  return async function* (campaign, buckets) {
    for (let from = 0; from < buckets; from += BUCKETS_PER_READ) {
      const count = Math.min(BUCKETS_PER_READ, buckets - from);
      const reads = Array.from({ length: count }, (_, i) => ['hkeys', keys.users(campaign, from + i)] as const);
      yield* (await readWhole(redis, reads)) as string[][];
    }
  };
}
