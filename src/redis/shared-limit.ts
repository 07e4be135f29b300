// A count of one client's requests over all fronts, with a count in process for when Redis is away.
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { keys } from './keys.ts';

/** `points` per `windowSeconds` and client; a client above it is blocked in process until the window ends. */
export function createSharedLimit(redis: Redis, points: number, windowSeconds: number): RateLimiterRedis {
  return new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: keys.clientLimit,
    points,
    duration: windowSeconds,
    inMemoryBlockOnConsumed: points + 1,
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory({ points, duration: windowSeconds }),
  });
}
