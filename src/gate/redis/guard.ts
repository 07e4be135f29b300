// What a front asks Redis, behind one breaker: a Redis that hangs costs a few calls their time limit, not every join.
import { Cluster } from 'ioredis';
import { Fault, isFault } from '../../domain/fault.ts';
import type { GateView } from '../../domain/gate-view.ts';
import { type Breaker, createBreaker } from '../../process/breaker.ts';
import { limits } from '../../process/limits.ts';
import { isOutOfReach, type RedisClient, redisFault } from '../../redis/connection.ts';
import type { Gate, GateGlances, ReadGates, Returns } from '../port.ts';

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

/** Every call goes through the breaker: once for a whole batch of joins. */
export const guardGate = (gate: Gate, { run }: Breaker): Gate => ({
  admit: (shape, joins, deadlineMs) => run(() => gate.admit(shape, joins, deadlineMs)),
  outcome: (shape, tag) => run(() => gate.outcome(shape, tag)),
  readmit: (shape, user, ticket, trace) => run(() => gate.readmit(shape, user, ticket, trace)),
  project: (campaign, create) => run(() => gate.project(campaign, create)),
  resolve: (shape, tag, final, returnedUnit) => run(() => gate.resolve(shape, tag, final, returnedUnit)),
  takeUnit: (campaign, epoch) => run(() => gate.takeUnit(campaign, epoch)),
  returnUnit: (campaign, epoch, unit) => run(() => gate.returnUnit(campaign, epoch, unit)),
});

export const guardReturns = (returns: Returns, { run }: Breaker): Returns => ({
  cancel: (shape, tag) => run(() => returns.cancel(shape, tag)),
  giveBack: (shape, returned) => run(() => returns.giveBack(shape, returned)),
  redrive: (shape, tag) => run(() => returns.redrive(shape, tag)),
});

export const guardGlances = (glances: GateGlances, { run }: Breaker): GateGlances => ({
  read: (campaigns) => run(() => glances.read(campaigns)),
  oldest: (campaigns) => run(() => glances.oldest(campaigns)),
});

export const guardReader =
  (readGates: ReadGates, { run }: Breaker): ReadGates =>
  (ids) =>
    // No ids, no question: that is no answer of Redis either.
    ids.length === 0 ? readGates(ids) : run(() => readGates(ids));

/** The same for a reader that tells of each gate by itself: only when none could be read is it Redis that is away. */
export const guardEachReader =
  <Asked>(
    readGates: (asked: readonly Asked[]) => Promise<(GateView | Fault | undefined)[]>,
    { run }: Breaker,
  ): typeof readGates =>
  (asked) =>
    asked.length === 0
      ? readGates(asked)
      : run(async () => {
          const gates = await readGates(asked);
          const [first] = gates;
          if (isFault(first) && gates.every((gate) => isFault(gate))) throw first;
          return gates;
        });
