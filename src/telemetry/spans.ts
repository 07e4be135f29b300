// What all spans have in common. Contexts in our own stores are read and written here and not by the SDK's propagator:
// what stands there does not depend on OTEL_PROPAGATORS. No attribute holds a user id, a ticket or words of a server.
import {
  type Attributes,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { isFault } from '../domain/fault.ts';
import { type TraceContext, traceparentOf as textOf, traceContextOf } from '../domain/trace-context.ts';
import { describeError } from './describe-error.ts';

const tracer = trace.getTracer('sluice');

export const isSampled = ({ traceFlags }: Pick<SpanContext, 'traceFlags'>): boolean =>
  (traceFlags & TraceFlags.SAMPLED) !== 0;

/** The context of a traceparent whose trace is recorded; undefined for '' and for any other. */
export function sampledContext(traceparent: string): SpanContext | undefined {
  const found = traceparent === '' ? undefined : traceContextOf(traceparent);
  return found === undefined || (found.flags & TraceFlags.SAMPLED) === 0 ? undefined : contextOf(found);
}

const contextOf = ({ traceId, spanId, flags }: TraceContext): SpanContext => ({
  traceId,
  spanId,
  traceFlags: flags,
  isRemote: true,
});

/** The traceparent of what follows a span; '' where the span is not recorded. */
export function traceparentOf(span: Span | undefined): string {
  if (span?.isRecording() !== true) return '';
  const { traceId, spanId, traceFlags: flags } = span.spanContext();
  return textOf({ traceId, spanId, flags });
}

export interface NewSpan {
  kind: SpanKind;
  attributes: Attributes;
  /** The span before it; without one the span begins a trace. */
  parent?: SpanContext | undefined;
  links?: readonly SpanContext[] | undefined;
  /** When it began, by `performance.now()`; now, unless given. */
  startTime?: TimeInput | undefined;
}

/** Starts a span; undefined where none is recorded: telemetry is off, nothing is exported, or the sampler says no. */
export function startSpan(
  name: string,
  { kind, attributes, parent, links = [], startTime }: NewSpan,
): Span | undefined {
  const of = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  const linked: Link[] = links.map((one) => ({ context: one }));
  const span = tracer.startSpan(
    name,
    { kind, attributes, links: linked, ...(startTime !== undefined && { startTime }) },
    of,
  );
  return span.isRecording() ? span : undefined;
}

/** The span that is active, where it is recorded. */
export function activeSpan(): Span | undefined {
  const span = trace.getActiveSpan();
  return span?.isRecording() === true ? span : undefined;
}

/** Does `work` with the span active: what it starts are children, and its log lines name the trace. */
export function within<T>(span: Span | undefined, work: () => T): T {
  return span === undefined ? work() : context.with(trace.setSpan(context.active(), span), work);
}

/** The same for a span that has ended, or is another process's. */
export function withinContext<T>(spanContext: SpanContext | undefined, work: () => T): T {
  return spanContext === undefined ? work() : context.with(trace.setSpanContext(context.active(), spanContext), work);
}

/** Marks a span as failed, by what may be told of the error. */
export function failSpan(span: Span | undefined, error: unknown): void {
  if (span === undefined) return;
  const { name, code, message: words } = describeError(error);
  // What a row was refused for may quote the row.
  const message = isFault(error) && error.failure !== undefined ? error.failure.reason : words;
  const type = String(code ?? name ?? 'error');
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.addEvent('exception', { 'exception.type': type, 'exception.message': message });
}

/** Does `work` in this span and ends it; a rejection marks it as failed. */
export async function inSpan<T>(span: Span | undefined, work: (span: Span | undefined) => Promise<T>): Promise<T> {
  if (span === undefined) return work(undefined);
  try {
    return await within(span, () => work(span));
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Does `work` in a client span below the active one; outside of a recorded trace it only does the work. */
export function inClientSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  const parent = activeSpan();
  if (parent === undefined) return work();
  return inSpan(startSpan(name, { kind: SpanKind.CLIENT, attributes, parent: parent.spanContext() }), work);
}
