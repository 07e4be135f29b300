// A front whose event loop lags refuses joins before it works on them; polls and health are answered all the same.
import { limits } from '../limits.ts';

export interface LoadShedding {
  /** Whether joins are refused just now. */
  isSaturated(): boolean;
  /** Lag of the event loop in ms at the last look. */
  lagMs: () => number;
  close(): void;
}

const LOOK_MS = 100;

export function watchEventLoop(): LoadShedding {
  let lagMs = 0;
  let expectedAt = performance.now() + LOOK_MS;
  const timer = setInterval(() => {
    lagMs = Math.max(0, performance.now() - expectedAt);
    expectedAt = performance.now() + LOOK_MS;
  }, LOOK_MS);
  timer.unref();
  return { isSaturated: () => lagMs > limits.eventLoopLagMs, lagMs: () => lagMs, close: () => clearInterval(timer) };
}
