// Traces as stores keep them: W3C Trace Context, https://www.w3.org/TR/trace-context/.

/** Version 00: the trace id, and the flags as two hexadecimal digits. Another form carries no trace. */
export const TRACEPARENT = /^00-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})$/;

/** The trace that a traceparent continues; null for '' and for a text of another form. */
export const traceIdOf = (traceparent: string): string | null => TRACEPARENT.exec(traceparent)?.[1] ?? null;

/**
 * A traceparent that continues a trace of which only the id was kept, recorded as it was; '' without one. Its parent is
 * not a span of any process: the trace has a second root there.
 */
export function continuingTraceparent(traceId: string | null): string {
  if (traceId === null) return '';
  const parent = traceId.slice(16);
  return `00-${traceId}-${/^0+$/.test(parent) ? '0000000000000001' : parent}-01`;
}
