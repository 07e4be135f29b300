// Which span an error was recorded in, so that every other span that meets the same error can be linked to it.
import type { SpanContext } from '@opentelemetry/api';

const spans = new WeakMap<object, SpanContext>();

/** Notes that `error` was recorded in this span. */
export function noteFault(error: unknown, span: SpanContext): void {
  if (typeof error === 'object' && error !== null) spans.set(error, span);
}

/** The span that an error was recorded in; undefined when it was in none. */
export const spanOfFault = (error: unknown): SpanContext | undefined =>
  typeof error === 'object' && error !== null ? spans.get(error) : undefined;
