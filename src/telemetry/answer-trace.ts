// Which span an answer was recorded in; and spans for answers with a 5xx that were in none, so that the trace of what went
// wrong exists, whatever TRACE_RATIO says.
import { type Attributes, type SpanContext, SpanKind } from '@opentelemetry/api';
import type { ServerError, ServerErrorKind } from '../domain/server-error.ts';
import { limits } from '../process/limits.ts';
import { noteFault, spanOfFault } from './fault-spans.ts';
import { createPerSecond } from './per-second.ts';
import { failSpan, startSpan, withinContext } from './spans.ts';

const answered = new WeakMap<object, SpanContext>();

/** `answer`, and the span that it ended; nothing is noted without one. */
export function answeredIn<A extends object>(span: SpanContext | undefined, answer: A): A {
  if (span !== undefined) answered.set(answer, span);
  return answer;
}

/** A 503 that is as it should be: a refusal to the buyer or to the balancer, and nothing went wrong. */
const REFUSALS: ReadonlySet<ServerErrorKind> = new Set([
  'backlogged',
  'paused',
  'guessed',
  'recovering',
  'ticket-in-work',
  'streams-full',
  'not-ready',
]);

/** Does `tell` in the trace of the answer, which is recorded now unless it was before; `startedAt` by `performance.now()`. */
export type TellInTrace = (answer: object, error: ServerError, startedAt: number, tell: () => void) => void;

/** At most `limits.faultTracesPerSecond` traces of each kind; all shed joins are of the kind `overloaded`. */
export function createFaultTraces(): TellInTrace {
  const mayRecord = createPerSecond(limits.faultTracesPerSecond);
  return (answer, error, startedAt, tell) => {
    const known = answered.get(answer);
    const isNew = known === undefined && !REFUSALS.has(error.kind) && mayRecord(error.kind);
    withinContext(isNew ? recorded(error, startedAt) : known, tell);
  };
}

function recorded({ kind, status, listener, at, cause }: ServerError, startTime: number): SpanContext | undefined {
  const [method = ''] = at.split(' ', 1);
  const attributes: Attributes = {
    'http.request.method': method,
    'http.response.status_code': status,
    'sluice.listener': listener,
  };
  const met = spanOfFault(cause);
  const links = met === undefined ? [] : [met];
  const span = startSpan(at, { kind: SpanKind.SERVER, attributes, links, startTime });
  if (span === undefined) return undefined;
  failSpan(span, cause instanceof Error ? cause : new Error(String(cause)));
  span.setAttribute('error.type', kind);
  if (met === undefined) noteFault(cause, span.spanContext());
  span.end();
  return span.spanContext();
}
