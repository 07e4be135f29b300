// Lists the tags of all admitted users of a campaign, a few buckets at a time.
import { limits } from '../../process/limits.ts';
import type { RedisClient } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { readWhole } from '../../redis/reads.ts';
import type { ReadAdmittedTags } from '../port.ts';

export function createAdmittedTagsReader(redis: RedisClient): ReadAdmittedTags {
  return async function* (campaign, buckets) {
    for (let from = 0; from < buckets; from += limits.bucketsPerRead) {
      const count = Math.min(limits.bucketsPerRead, buckets - from);
      const reads = Array.from({ length: count }, (_, i) => ['hkeys', keys.users(campaign, from + i)] as const);
      yield* (await readWhole(redis, reads)) as string[][];
    }
  };
}
