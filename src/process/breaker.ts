// Keeps callers from waiting for a store that does not answer: after a few faults in a row nobody asks it any more, and
// everybody is told so at once, until a probe of our own was answered.
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import type { Fault } from '../domain/fault.ts';
import { pause } from './lifecycle.ts';

export interface BreakerOptions {
  /** Faults in a row that open it. */
  faultsMax: number;
  /** Whether this fault says that the store is out of reach; any other answer proves that it is not. */
  isOutage: (error: unknown) => boolean;
  /** What is thrown instead of asking. */
  refusal: Fault;
  /** The smallest question that only a store in working order answers. */
  probe: () => Promise<unknown>;
  /** Time between two probes, spread by a quarter so that processes do not probe together. */
  probeMs: number;
}

export interface Breaker extends Disposable {
  /** Makes the call; throws `refusal` at once while open. */
  run: <T>(call: () => Promise<T>) => Promise<T>;
  isOpen: () => boolean;
  /** How often it has opened. */
  openedCount: () => number;
  /** Resolves when it is closed, or `stopping` aborts. */
  untilClosed: (stopping: AbortSignal) => Promise<void>;
}

export function createBreaker({ faultsMax, isOutage, refusal, probe, probeMs }: BreakerOptions): Breaker {
  const policy = circuitBreaker(handleWhen(isOutage), {
    breaker: new ConsecutiveBreaker(faultsMax),
    // Always: the pace is that of our timer. The policy would reckon by the wall clock, and one that is set back by an
    // hour would keep it open for an hour.
    halfOpenAfter: Number.NEGATIVE_INFINITY,
  });
  let openedCount = 0;
  let disposed = false;
  let timer: NodeJS.Timeout | undefined;
  let closed: PromiseWithResolvers<void> | undefined;

  // Callers are never the probe: they would wait for its answer.
  const probeLater = () => {
    const ask = () => void policy.execute(probe).catch(() => undefined);
    if (!disposed) timer = setTimeout(ask, probeMs * (0.75 + Math.random() / 2)).unref();
  };
  policy.onBreak(() => {
    if (closed === undefined) openedCount += 1;
    closed ??= Promise.withResolvers();
    probeLater();
  });
  policy.onReset(() => {
    closed?.resolve();
    closed = undefined;
  });
  return {
    async run(call) {
      if (policy.state !== CircuitState.Closed) throw refusal;
      const answer = await policy.execute(() => call().then(done, (error: unknown) => answered(error, isOutage)));
      if ('error' in answer) throw answer.error;
      return answer.value;
    },
    isOpen: () => closed !== undefined,
    openedCount: () => openedCount,
    async untilClosed(stopping) {
      while (closed !== undefined && !stopping.aborted) {
        const over = new AbortController();
        await Promise.race([closed.promise, pause(probeMs * 10, AbortSignal.any([stopping, over.signal]))]);
        over.abort();
      }
    },
    [Symbol.dispose]() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}

const done = <T>(value: T): { value: T } | { error: unknown } => ({ value });

/** A fault that is no outage is an answer as any other: to the policy, an error it does not count is no evidence. */
function answered(error: unknown, isOutage: (error: unknown) => boolean): { error: unknown } {
  if (isOutage(error)) throw error;
  return { error };
}
