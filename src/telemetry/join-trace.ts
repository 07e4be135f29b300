// The server span of a join, with which the trace of its ticket begins.
import { type Span, type SpanContext, SpanKind } from '@opentelemetry/api';
import { limits } from '../process/limits.ts';
import { callerReader, type Header } from './caller.ts';
import { createPerSecond } from './per-second.ts';
import { failSpan, isSampled, startSpan } from './spans.ts';

/** The span of a join that is recorded. */
export type JoinSpan = Span;

export interface EndedJoin {
  /** By `performance.now()`. */
  startedAt: number;
  decision: string;
  campaign: string;
  /** HTTP status of the answer. */
  status: number;
  /** What broke, where something did. */
  error?: unknown;
}

export interface JoinTraces {
  /** Starts the span of a join; undefined where it is not recorded so far. */
  begin: (header: Header, startedAt: number) => JoinSpan | undefined;
  /** Ends it. A slow join that has none is recorded now; the context says where, or is undefined. */
  end: (span: JoinSpan | undefined, join: EndedJoin) => SpanContext | undefined;
}

const METHOD = 'POST';
const ROUTE = '/v1/campaigns/{id}/tickets';
const NAME = `${METHOD} ${ROUTE}`;
const ATTRIBUTES = { 'http.request.method': METHOD, 'http.route': ROUTE };

export interface JoinSampling {
  /** Share of the joins that come without a decision, 0 to 1. */
  ratio: number;
  /** False to let the dice decide for all: the samplers `always_on`, `always_off` and `traceidratio` ask no caller. */
  followsCaller?: boolean;
}

/**
 * Records a `ratio` of the joins that come without a decision. The dice are thrown here and not by a sampler of the SDK: a
 * span that is not recorded would still cost an id, a context and 2 µs.
 *
 * Anybody can send a traceparent: beyond `limits.forcedTracesPerSecond` the dice decide for those, too, or a crowd could
 * make every join write a span and every entry carry it.
 */
export function createJoinTraces(
  { ratio, followsCaller = true }: JoinSampling,
  clock: () => number = () => performance.now(),
): JoinTraces {
  const mayForce = createPerSecond(limits.forcedTracesPerSecond, clock);
  const maySlow = createPerSecond(limits.faultTracesPerSecond, clock);
  const readCaller = callerReader();
  return {
    begin(header, startedAt) {
      const caller = readCaller(header);
      if (followsCaller && caller !== undefined && !isSampled(caller)) return undefined;
      const isForced = followsCaller && caller !== undefined && mayForce();
      if (!isForced && Math.random() >= ratio) return undefined;
      const parent = caller && { ...caller, traceFlags: 1 };
      return startSpan(NAME, { kind: SpanKind.SERVER, attributes: ATTRIBUTES, parent, startTime: startedAt });
    },
    end(begun, { startedAt, decision, campaign, status, error }) {
      const isSlow = clock() - startedAt > limits.slowJoinMs;
      if (begun === undefined && !isSlow) return undefined;
      const late = { kind: SpanKind.SERVER, attributes: ATTRIBUTES, startTime: startedAt };
      const span = begun ?? (isSlow && maySlow() ? startSpan(NAME, late) : undefined);
      if (span === undefined) return undefined;
      span.setAttributes({
        'http.response.status_code': status,
        'sluice.decision': decision,
        'sluice.campaign': campaign,
        ...(isSlow && { 'sluice.slow': true }),
      });
      if (error !== undefined) failSpan(span, error);
      span.end();
      return span.spanContext();
    },
  };
}
