// Traces as stores keep them: W3C Trace Context, https://www.w3.org/TR/trace-context/.

/** The trace that a traceparent continues; null for '' and for what is none. */
export const traceIdOf = (traceparent: string): string | null =>
  /^00-([\da-f]{32})-[\da-f]{16}-/.exec(traceparent)?.[1] ?? null;

/**
 * A traceparent that continues a trace of which only the id was kept, recorded as it was; '' without one. Its parent is
 * no span that anybody exported: the trace has a second root there.
 */
export function traceparentOf(traceId: string | null): string {
  if (traceId === null) return '';
  const parent = traceId.slice(16);
  return `00-${traceId}-${/^0+$/.test(parent) ? '0000000000000001' : parent}-01`;
}
