// Reads the context that a caller sends with its request.
import { propagation, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';

/** The value of a request header; undefined without it. */
export type Header = (name: string) => string | undefined;

/** By the propagators of the SDK, see OTEL_PROPAGATORS; costs a look at one header where the caller sends none. */
export function callerReader(): (header: Header) => SpanContext | undefined {
  const getter = { get: (header: Header, name: string) => header(name), keys: () => [] };
  let names: readonly string[] | undefined;
  return (header) => {
    // The fields that carry a context, not those that only add to one.
    names ??= propagation.fields().filter((name) => !['tracestate', 'baggage'].includes(name));
    if (!names.some((name) => header(name) !== undefined)) return undefined;
    const found = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, header, getter));
    return found !== undefined && trace.isSpanContextValid(found) ? found : undefined;
  };
}
