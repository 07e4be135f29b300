// A front whose event loop lags refuses joins before it works on them; polls and health are answered all the same.
import { limits } from '../../process/limits.ts';

export interface LoadShedding {
  /** Whether this join is refused. */
  isSaturated(): boolean;
  /** Lag of the event loop in ms at the last look. */
  lagMs: () => number;
  close(): void;
}

const LOOK_MS = 100;

/**
 * Refuses none up to the bound, all from twice the bound, and in between as large a share as the lag is above it: all or
 * none in turn would halve what is admitted.
 */
export function watchEventLoop(): LoadShedding {
  let lagMs = 0;
  let share = 0;
  let expectedAt = performance.now() + LOOK_MS;
  const timer = setInterval(() => {
    lagMs = Math.max(0, performance.now() - expectedAt);
    share = lagMs / limits.eventLoopLagMs - 1;
    expectedAt = performance.now() + LOOK_MS;
  }, LOOK_MS);
  timer.unref();
  return {
    isSaturated: () => share > 0 && Math.random() < share,
    lagMs: () => lagMs,
    close: () => clearInterval(timer),
  };
}
