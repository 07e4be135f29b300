// How often one user may join. The first tier is in process and free; only a user who exceeds it is counted in Redis,
// over all fronts, so that an honest crowd costs the store nothing. Redis away: the process's own count goes on.
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { keys } from '../redis/keys.ts';

export interface ClientLimits {
  /** Ms to wait when `user` joins too often, else undefined. */
  refuseJoin(user: string): Promise<number | undefined>;
}

const WINDOW_SECONDS = 10;

export function createClientLimits(deps: { redis: Redis; joinsPerSecond: number }): ClientLimits {
  if (deps.joinsPerSecond === 0) return { refuseJoin: async () => undefined };
  const points = deps.joinsPerSecond * WINDOW_SECONDS;
  const local = new RateLimiterMemory({ points: Math.ceil(points / 2), duration: WINDOW_SECONDS });
  const shared = new RateLimiterRedis({
    storeClient: deps.redis,
    keyPrefix: keys.clientLimit,
    points: Math.ceil(points / 2),
    duration: WINDOW_SECONDS,
    inMemoryBlockOnConsumed: Math.ceil(points / 2),
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory({ points: Math.ceil(points / 2), duration: WINDOW_SECONDS }),
  });
  return {
    async refuseJoin(user) {
      try {
        await local.consume(user);
        return undefined;
      } catch (rejection) {
        if (!(rejection instanceof RateLimiterRes)) throw rejection;
      }
      try {
        await shared.consume(user);
        return undefined;
      } catch (rejection) {
        if (rejection instanceof RateLimiterRes) return rejection.msBeforeNext;
        throw rejection;
      }
    },
  };
}
