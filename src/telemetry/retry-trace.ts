// The spans of one ticket that was not issued in its batch: it is sent to the retry queue, tried again, given up, redriven.
// Each is a child of the one before it. A ticket that was not sampled begins a trace here: something went wrong with it.
import { type Attributes, type Span, SpanKind } from '@opentelemetry/api';
import { failureOf } from '../domain/fault.ts';
import type { RetryJob } from '../domain/retry-job.ts';
import { limits } from '../process/limits.ts';
import { RETRIES, retryAttributes } from './messaging.ts';
import { createPerSecond } from './per-second.ts';
import {
  activeSpan,
  failSpan,
  inClientSpan,
  inSpan,
  sampledContext,
  startSpan,
  traceparentOf,
  within,
} from './spans.ts';

type TracedJob = Pick<RetryJob, 'campaign' | 'reason' | 'traceparent'>;

export interface RetryTraces {
  /** Hands a job to the retry queue by `send`, with the traceparent that its attempts follow. */
  schedule: (job: RetryJob, send: (job: RetryJob) => Promise<void>) => Promise<void>;
  /** One attempt. */
  attempt: <T>(job: RetryJob, work: () => Promise<T>) => Promise<T>;
  /** Keeps a dead letter by `keep`, with the traceparent that its redrive follows; '' when nothing is recorded. */
  giveUp: <T>(job: TracedJob, keep: (traceparent: string) => Promise<T>) => Promise<T>;
}

export function createRetryTraces(): RetryTraces {
  const mayRecord = createPerSecond(limits.faultTracesPerSecond);

  function startProducer(name: string, kind: string, job: TracedJob, attributes: Attributes): Span | undefined {
    const parent = sampledContext(job.traceparent);
    const around = activeSpan()?.spanContext();
    if (parent === undefined && !mayRecord(kind)) return undefined;
    return startSpan(name, {
      kind: SpanKind.PRODUCER,
      attributes: { ...attributes, 'sluice.reason': job.reason },
      parent,
      links: around === undefined ? [] : [around],
    });
  }

  return {
    schedule(job, send) {
      const redrives = job.redriveCount === undefined ? {} : { 'sluice.redrive.count': job.redriveCount };
      const attributes = { ...retryAttributes('send', job.campaign), ...redrives };
      const span = startProducer(`send ${RETRIES}`, 'retry', job, attributes);
      return inSpan(span, () => send(span === undefined ? job : { ...job, traceparent: traceparentOf(span) }));
    },
    async attempt(job, work) {
      const startTime = performance.now();
      const start = (parent: ReturnType<typeof sampledContext>) =>
        startSpan(`process ${RETRIES}`, {
          kind: SpanKind.CONSUMER,
          attributes: { ...retryAttributes('process', job.campaign), 'sluice.reason': job.reason },
          parent,
          startTime,
        });
      const parent = sampledContext(job.traceparent);
      let span = parent && start(parent);
      try {
        return await within(span, work);
      } catch (error) {
        if (parent === undefined && mayRecord('attempt')) span = start(undefined);
        failSpan(span, error);
        span?.setAttribute('sluice.reason', failureOf(error).reason);
        throw error;
      } finally {
        span?.end();
      }
    },
    giveUp(job, keep) {
      const attributes = { ...retryAttributes('send', job.campaign), 'messaging.destination.name': LETTERS };
      const span = startProducer(`send ${LETTERS}`, 'letter', job, { ...attributes, 'messaging.system': 'mysql' });
      return inSpan(span, () => keep(span === undefined ? job.traceparent : traceparentOf(span)));
    },
  };
}

const LETTERS = 'dead_letters';

/** The span of showing in the gate how a retry ended. */
export const inRetrySettleSpan = <T>(campaign: string, work: () => Promise<T>): Promise<T> =>
  inClientSpan(`ack ${RETRIES}`, retryAttributes('settle', campaign), work);
