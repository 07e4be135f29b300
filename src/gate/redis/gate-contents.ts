// Everything a gate remembers, for who compares it with the ledger. Read in pieces, beside the traffic.
import { unpackPlace } from '../../domain/place.ts';
import { limits } from '../../process/limits.ts';
import { type RedisClient, redisFault, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import type { GateContents } from '../port.ts';
import { decodeOutcome } from './outcome-text.ts';

export function createGateContents(redis: RedisClient): GateContents {
  return {
    async *users(campaign, buckets) {
      for (let from = 0; from < buckets; from += limits.bucketsPerRead) {
        const pipeline = redis.pipeline();
        for (let bucket = from; bucket < Math.min(buckets, from + limits.bucketsPerRead); bucket += 1) {
          pipeline.hgetallBuffer(keys.users(campaign, bucket));
        }
        const replies = (await pipeline.exec().catch(rethrow))!;
        for (const [error, users] of replies) {
          if (error) throw redisFault(error);
          yield Object.entries(users as Record<string, Buffer>).map(([tag, packed]) => ({
            tag,
            ...unpackPlace(packed),
          }));
        }
      }
    },
    async exceptions(campaign) {
      const texts = await redis.hgetall(keys.exceptions(campaign)).catch(rethrow);
      return new Map(Object.entries(texts).map(([field, text]) => [field, decodeOutcome(text)]));
    },
    async freeUnits(campaign) {
      return (await redis.zrange(keys.free(campaign), 0, '-1').catch(rethrow)).map(Number);
    },
  };
}
