// Lists the tags of all admitted users of a campaign, a few buckets at a time.
import type { Redis } from 'ioredis';
import { redisFault } from './connection.ts';
import { keys } from './keys.ts';

/** Buckets per pipeline: about 6,000 tags, 3 ms of Redis. */
const BUCKETS_PER_READ = 64;

export type ReadAdmittedTags = (campaign: string, buckets: number) => AsyncIterable<string[]>;

/** Yields the tags bucket by bucket; throws a Fault. */
export function createAdmittedTagsReader(redis: Redis): ReadAdmittedTags {
  return async function* (campaign, buckets) {
    for (let from = 0; from < buckets; from += BUCKETS_PER_READ) {
      const pipeline = redis.pipeline();
      for (let bucket = from; bucket < Math.min(buckets, from + BUCKETS_PER_READ); bucket += 1) {
        pipeline.hkeys(keys.users(campaign, bucket));
      }
      const replies = await pipeline.exec().catch((error: unknown) => {
        throw redisFault(error);
      });
      for (const [error, tags] of replies!) {
        if (error) throw redisFault(error);
        yield tags as string[];
      }
    }
  };
}
