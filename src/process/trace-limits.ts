// The limits of traces, each with its reason. They are a part of limits.ts.
export const traceLimits = {
  /** Traces that callers may force by their own decision, a second and front; the others are traced as TRACE_RATIO says. */
  forcedTracesPerSecond: 10,
  /** Traces of faults and of slow joins, a second and process, for each kind: an outage needs examples, not all of them. */
  faultTracesPerSecond: 5,
  /** A join that took longer is recorded, whatever TRACE_RATIO says: nobody waits for half a second unnoticed. */
  slowJoinMs: 500,
  /** Polls and returns of sampled tickets that are recorded, a second and front: 10 µs each. */
  ticketTracesPerSecond: 200,
  /** Links of a span: one for each entry of the largest batch. The SDK would keep 128 and drop the others without a word. */
  traceLinksMax: 500,
} as const;
