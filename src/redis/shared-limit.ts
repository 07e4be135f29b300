// A count of one client's requests over all fronts, with a count in process for when Redis is away.
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RedisClient } from './connection.ts';
import { keys } from './keys.ts';

/** Counts a request of `client`; ms until it may ask again, 0 when it may. */
export type CountRequest = (client: string) => Promise<number>;

/** `points` per `windowSeconds` and client; a client above it is blocked in process until the window ends. */
export function createSharedLimit(redis: RedisClient, points: number, windowSeconds: number): CountRequest {
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: keys.clientLimit,
    points,
    duration: windowSeconds,
    inMemoryBlockOnConsumed: points + 1,
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory({ points, duration: windowSeconds }),
  });
  return async (client) => {
    try {
      await limiter.consume(client);
      return 0;
    } catch (rejection) {
      // A refusal is no Error here: anything else is one.
      if (rejection instanceof RateLimiterRes) return Math.max(1, rejection.msBeforeNext);
      throw rejection;
    }
  };
}
