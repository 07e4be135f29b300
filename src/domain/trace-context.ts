// Traces as stores keep them: W3C Trace Context, https://www.w3.org/TR/trace-context/.

/** Version 00: trace id, span id, and the flags as two hexadecimal digits. Another form carries no trace. */
const TRACEPARENT = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/;

export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  /** Bit 0: the trace is recorded. */
  flags: number;
}

/** What a traceparent says; undefined for '' and for a text of another form. */
export function traceContextOf(traceparent: string): TraceContext | undefined {
  const found = TRACEPARENT.exec(traceparent);
  if (found === null) return undefined;
  return { traceId: found[1]!, spanId: found[2]!, flags: Number.parseInt(found[3]!, 16) };
}

/** The text that {@link traceContextOf} reads. */
export const traceparentOf = ({ traceId, spanId, flags }: TraceContext): string =>
  `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;

/** What is kept of a trace beside a ticket: null for '' and for a text of another form. */
export function keptTraceOf(traceparent: string): { traceId: string | null; spanId: string | null } {
  const { traceId = null, spanId = null } = traceContextOf(traceparent) ?? {};
  return { traceId, spanId };
}

/**
 * The traceparent that continues what was kept, recorded as it was; '' without a trace. Where only the trace was kept, the
 * parent is not a span of any process: the trace has a second root there.
 */
export function continuingTraceparent(traceId: string | null, spanId: string | null): string {
  if (traceId === null) return '';
  const half = traceId.slice(16);
  return traceparentOf({ traceId, spanId: spanId ?? (/^0+$/.test(half) ? '0000000000000001' : half), flags: 1 });
}
