/** Epoch ms. A parameter wherever time decides something, so that a test can set it. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** Ms since some moment, of a clock that nobody sets: spans are measured with it, never moments. */
export type SpanClock = () => number;

export const spanClock: SpanClock = () => performance.now();

/** The clock of another process as it was measured: the ms it was ahead of our span clock, give or take `doubtMs`. */
export interface MeasuredClock {
  aheadMs: number;
  doubtMs: number;
}

/** From when the question left to when its answer came, both by the span clock; `toldMs` is the epoch ms in the answer. */
export function measureClock(askedAt: number, answeredAt: number, toldMs: number): MeasuredClock {
  const doubtMs = (answeredAt - askedAt) / 2;
  return { aheadMs: toldMs - askedAt - doubtMs, doubtMs };
}

/** Epoch ms of an answer to TIME: seconds and µs. */
export const epochMsOf = ([seconds, micros]: readonly (string | number)[]): number =>
  Number(seconds) * 1_000 + Number(micros) / 1_000;
