// The consumer span of one batch of entries, linked to the producer of each sampled ticket in it.
import { type Span, SpanKind } from '@opentelemetry/api';
import { limits } from '../process/limits.ts';
import { noteFault } from './fault-spans.ts';
import { type Carrier, streamAttributes, TICKETS } from './messaging.ts';
import { createPerSecond } from './per-second.ts';
import { failSpan, inClientSpan, sampledContext, startSpan, within } from './spans.ts';

interface TracedBatch {
  campaign: string;
  shard: number;
  entries: readonly unknown[];
}

export interface BatchTrace {
  /** Does a step of the batch with its span active. */
  step: <T>(work: () => T) => T;
  /** Notes an error. A batch that has no span gets one, from its beginning on, as far as the bound of a second allows. */
  failed: (error: unknown) => void;
  end: () => void;
}

/** Called once for each batch, with the traceparents of its entries; '' for an entry that has none. */
export type TraceBatch = (batch: TracedBatch, traceparents: readonly string[]) => BatchTrace;

/** `carrier` is what the batches come through. */
export function createBatchTraces(carrier: Carrier): TraceBatch {
  const mayRecord = createPerSecond(limits.faultTracesPerSecond);
  return (batch, traceparents) => {
    const startedAt = performance.now();
    const links = traceparents.map(sampledContext).filter((one) => one !== undefined);
    const start = () => {
      const attributes = {
        ...streamAttributes('process', batch.campaign, batch.shard, carrier),
        'messaging.batch.message_count': batch.entries.length,
      };
      return startSpan(`process ${TICKETS}`, { kind: SpanKind.CONSUMER, attributes, links, startTime: startedAt });
    };
    let span: Span | undefined = links.length === 0 ? undefined : start();
    return {
      step: (work) => within(span, work),
      failed(error) {
        if (span === undefined && mayRecord()) span = start();
        if (span === undefined) return;
        failSpan(span, error);
        noteFault(error, span.spanContext());
      },
      end: () => span?.end(),
    };
  };
}

/** The span of telling the stream that the batch is done; a child of the batch's. */
export const inSettleSpan = <T>(batch: TracedBatch, work: () => Promise<T>): Promise<T> => {
  const attributes = {
    ...streamAttributes('settle', batch.campaign, batch.shard),
    'messaging.batch.message_count': batch.entries.length,
  };
  return inClientSpan(`ack ${TICKETS}`, attributes, work);
};

/** The span of one INSERT into a table of the ledger, of so many rows. MariaDB speaks MySQL's protocol, and counts as it here. */
export const inInsertSpan = <T>(table: string, rowCount: number, work: () => Promise<T>): Promise<T> => {
  const attributes = {
    'db.system.name': 'mysql',
    'db.operation.name': 'INSERT',
    'db.collection.name': table,
    // By the conventions only a batch of two or more says its size.
    ...(rowCount > 1 && { 'db.operation.batch.size': rowCount }),
  };
  return inClientSpan(`INSERT ${table}`, attributes, work);
};
