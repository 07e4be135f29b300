// What a front asks Redis, behind one breaker: a Redis that hangs costs a few calls their time limit, not every join.
import type { Redis } from 'ioredis';
import { type Breaker, createBreaker } from '../breaker.ts';
import { Fault } from '../domain/fault.ts';
import { limits } from '../limits.ts';
import { isOutOfReach, redisFault } from './connection.ts';
import type { Gate } from './gate.ts';
import type { ReadGates } from './gate-reader.ts';

export function createRedisBreaker(redis: Redis): Breaker {
  return createBreaker({
    faultsMax: limits.redisFaultsMax,
    isOutage: isOutOfReach,
    refusal: new Fault('redis-unavailable', 'Redis did not answer; it is not asked until it does', { retryable: true }),
    probe: () =>
      redis.ping().catch((error: unknown) => {
        throw redisFault(error);
      }),
    probeMs: limits.redisProbeMs,
  });
}

/** The gate behind the breaker: once for each call, and so once for a whole batch of joins. */
export function guardGate(gate: Gate, { run }: Breaker): Gate {
  const questions = Object.entries(gate) as [string, (...asked: unknown[]) => Promise<unknown>][];
  return Object.fromEntries(
    questions.map(([name, ask]) => [name, (...asked: unknown[]) => run(() => ask(...asked))]),
  ) as unknown as Gate;
}

export const guardReader =
  (readGates: ReadGates, { run }: Breaker): ReadGates =>
  (ids) =>
    // No ids, no question: that is no answer of Redis either.
    ids.length === 0 ? readGates(ids) : run(() => readGates(ids));
