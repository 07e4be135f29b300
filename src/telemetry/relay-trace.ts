// The producer span of what the relay sends at once, linked to the join of each sampled ticket in it.
import { SpanKind } from '@opentelemetry/api';
import { TICKETS } from './messaging.ts';
import { failSpan, sampledContext, startSpan, within } from './spans.ts';

interface SentBatch {
  entries: readonly { fields: Readonly<Record<string, string>> }[];
}

/** Does `send` in a span, where one of the tickets is sampled. The records of several campaigns are sent together. */
export async function inSendSpan<T>(batches: readonly SentBatch[], send: () => Promise<T>): Promise<T> {
  const links = batches
    .flatMap(({ entries }) => entries.map(({ fields }) => sampledContext(fields.traceparent ?? '')))
    .filter((one) => one !== undefined);
  if (links.length === 0) return send();
  const attributes = {
    'messaging.system': 'kafka',
    'messaging.operation.type': 'send',
    'messaging.operation.name': 'send',
    'messaging.destination.name': TICKETS,
    'messaging.batch.message_count': batches.reduce((count, { entries }) => count + entries.length, 0),
  };
  const span = startSpan(`relay ${TICKETS}`, { kind: SpanKind.PRODUCER, attributes, links });
  try {
    return await within(span, send);
  } catch (error) {
    if (span !== undefined) failSpan(span, error);
    throw error;
  } finally {
    span?.end();
  }
}
