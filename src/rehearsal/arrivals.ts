// Open-loop arrivals: each is sent when it is due, whatever became of those before.
import type { MonotonicClock, Pauses } from './time.ts';

export interface Arrivals {
  count: number;
  /** Monotonic ms at which arrival `n` (0 for the first) is due; never less than for the one before. */
  dueMs(n: number): number;
}

/**
 * Calls `send` for each arrival in order, once it is due, and resolves when all that was sent has ended. Ends early when
 * `pauses` is stopped.
 */
export async function sendAsDue(
  deps: { clock: MonotonicClock; pauses: Pauses },
  arrivals: Arrivals,
  send: (n: number, dueMs: number) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const { count } = arrivals;
  const due = (n: number) => (n < count ? arrivals.dueMs(n) : Number.POSITIVE_INFINITY);
  for (let next = 0; next < count && !deps.pauses.stopped; ) {
    for (let atMs = due(next); atMs <= deps.clock(); atMs = due(next)) {
      const sent = send(next, atMs).finally(() => underWay.delete(sent));
      underWay.add(sent);
      next += 1;
    }
    await deps.pauses.sleep(1);
  }
  await Promise.all(underWay);
}
