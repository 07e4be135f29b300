// What a front asks Redis, behind one breaker: a Redis that hangs costs a few calls their time limit, not every join.
import { Cluster } from 'ioredis';
import { Fault, isFault } from '../../domain/fault.ts';
import { type Breaker, createBreaker } from '../../process/breaker.ts';
import { limits } from '../../process/limits.ts';
import { isOutOfReach, type RedisClient, redisFault } from '../../redis/connection.ts';
import type { ReadEachGate, ReadGates } from '../port.ts';

export function createRedisBreaker(redis: RedisClient): Breaker {
  return createBreaker({
    // In a Cluster one primary that is away must not keep the campaigns of the others from being asked.
    faultsMax: redis instanceof Cluster ? Number.POSITIVE_INFINITY : limits.redisFaultsMax,
    isOutage: isOutOfReach,
    refusal: new Fault(
      'redis-unavailable',
      'Redis did not answer; the front sends it no commands until it answers a probe',
      { retryable: true },
    ),
    probe: () =>
      redis.ping().catch((error: unknown) => {
        throw redisFault(error);
      }),
    probeMs: limits.redisProbeMs,
  });
}

/** A port of Redis behind the breaker: once for each call, and so once for a whole batch of joins. */
export function guardPort<P extends object>(port: P, { run }: Breaker): P {
  const questions = Object.entries(port) as [string, (...asked: unknown[]) => Promise<unknown>][];
  return Object.fromEntries(
    questions.map(([name, ask]) => [name, (...asked: unknown[]) => run(() => ask(...asked))]),
  ) as unknown as P;
}

export const guardReader =
  (readGates: ReadGates, { run }: Breaker): ReadGates =>
  (ids) =>
    // No ids, no question: that is no answer of Redis either.
    ids.length === 0 ? readGates(ids) : run(() => readGates(ids));

/** The same for a reader that tells of each gate by itself: only when none could be read is it Redis that is away. */
export const guardEachReader =
  (readGates: ReadEachGate, { run }: Breaker): ReadEachGate =>
  (ids) =>
    ids.length === 0
      ? readGates(ids)
      : run(async () => {
          const gates = await readGates(ids);
          const [first] = gates;
          if (isFault(first) && gates.every((gate) => isFault(gate))) throw first;
          return gates;
        });
