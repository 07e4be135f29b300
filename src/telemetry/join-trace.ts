// A trace begins with a join and is carried by the ticket's entry to the worker that issues it.
import {
  context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  propagation,
  type Span,
  SpanKind,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { TRACEPARENT } from '../domain/trace-context.ts';
import { limits } from '../process/limits.ts';

const tracer = trace.getTracer('sluice');

export interface JoinTrace {
  /** W3C traceparent for the entry; '' when the trace is not recorded. */
  traceparent: string;
  end(decision: string): void;
}

const UNTRACED: JoinTrace = { traceparent: '', end: () => undefined };

/** Starts the span of a join; `header` is the caller's traceparent, whose decision to record is followed within bounds. */
export type TraceJoin = (route: string, header: string | undefined) => JoinTrace;

/**
 * Records a `ratio` of the joins that come without a decision, 0 to 1. The dice are thrown here and not by a sampler of
 * the SDK: a span that is not recorded would still cost an id, a context and 2 µs.
 *
 * Anybody can send a traceparent: beyond `limits.forcedTracesPerSecond` the dice decide for those, too, or a crowd could
 * make every join write a span and every entry carry it.
 */
export function createTraceJoin(ratio: number, clock: () => number = () => performance.now()): TraceJoin {
  let second = 0;
  let forcedCount = 0;
  const mayForce = () => {
    const now = Math.floor(clock() / 1_000);
    if (now !== second) [second, forcedCount] = [now, 0];
    forcedCount += 1;
    return forcedCount <= limits.forcedTracesPerSecond;
  };
  return (route, header) => {
    const caller = header?.match(TRACEPARENT);
    const decision =
      caller && (Number.parseInt(caller[2]!, 16) & TraceFlags.SAMPLED) !== 0 ? 'record' : caller && 'do not';
    if (decision === 'do not') return UNTRACED;
    if (!(decision === 'record' && mayForce()) && Math.random() >= ratio) return UNTRACED;
    const parent = caller ? propagation.extract(context.active(), { traceparent: header }) : context.active();
    const span = tracer.startSpan(route, { kind: SpanKind.SERVER, attributes: { 'http.route': route } }, parent);
    if (!span.isRecording()) return UNTRACED;
    return {
      traceparent: traceparentOf(span),
      end: (decision) => {
        span.setAttribute('sluice.decision', decision);
        span.end();
      },
    };
  };
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The span of settling one batch, linked to the joins that made its entries; recorded when one of them was. */
export function traceBatch(shard: number, size: number, traceparents: readonly string[]): Span {
  const links = traceparents.flatMap((traceparent) => {
    const linked = trace.getSpanContext(propagation.extract(context.active(), { traceparent }));
    return linked && isSpanContextValid(linked) && linked.traceFlags & TraceFlags.SAMPLED ? [{ context: linked }] : [];
  });
  if (links.length === 0) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
  const attributes = {
    'messaging.system': 'redis',
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
    'messaging.destination.name': 'tickets',
    'messaging.destination.partition.id': String(shard),
    'messaging.batch.message_count': size,
  };
  return tracer.startSpan('process tickets', { kind: SpanKind.CONSUMER, attributes, links });
}
