// A count of one client's requests over all fronts, with a count in process for when Redis is away.
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Breaker } from '../process/breaker.ts';
import { type RedisClient, redisFault } from './connection.ts';
import { keys } from './keys.ts';

/** Counts a request of `client`; ms until it may ask again, 0 when it may. */
export type CountRequest = (client: string) => Promise<number>;

/**
 * `points` per `windowSeconds` and client. While Redis is out of reach the count goes on in process, and nobody waits for
 * Redis.
 */
export function createSharedLimit(
  redis: RedisClient,
  { run }: Pick<Breaker, 'run'>,
  points: number,
  windowSeconds: number,
): CountRequest {
  const shared = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: keys.clientLimit,
    points,
    duration: windowSeconds,
    rejectIfRedisNotReady: true,
  });
  const own = new RateLimiterMemory({ points, duration: windowSeconds });
  return async (client) => {
    // The count in process reckons by the wall clock, which may be set back by an hour.
    const windowMs = windowSeconds * 1_000;
    try {
      return Math.min(windowMs, await run(() => consume(shared, client)));
    } catch {
      return Math.min(windowMs, await consume(own, client));
    }
  };
}

async function consume(limiter: RateLimiterAbstract, client: string): Promise<number> {
  try {
    await limiter.consume(client);
    return 0;
  } catch (rejection) {
    // A refusal is no Error here: anything else is one.
    if (rejection instanceof RateLimiterRes) return Math.max(1, rejection.msBeforeNext);
    throw redisFault(rejection);
  }
}
