// The spans of a gate call: one client span for the call, linked to the joins that it decides, and for each sampled join
// that is admitted a producer span, whose context its entry carries to the worker.
import { type Span, type SpanContext, SpanKind } from '@opentelemetry/api';
import type { Decision } from '../domain/decision.ts';
import { entryIdOf, shardOf } from '../domain/shard.ts';
import { limits } from '../process/limits.ts';
import { noteFault } from './fault-spans.ts';
import { scriptAttributes, streamAttributes, TICKETS } from './messaging.ts';
import { createPerSecond } from './per-second.ts';
import { failSpan, sampledContext, startSpan, traceparentOf } from './spans.ts';

interface CalledGate {
  id: string;
  shards: number;
}

interface CallingJoin {
  tag: string;
  user: string;
  /** The traceparent of its server span; '' when it is not sampled. */
  trace: string;
}

export interface GateCallTrace {
  /** The joins, each with the traceparent that its entry gets. */
  joins: readonly CallingJoin[];
  call: Span | undefined;
  producers: readonly (Span | undefined)[];
}

export interface GateCalled {
  /** By `performance.now()`. */
  startedAt: number;
  /** Joins of the call. */
  size: number;
  /** In the order of the joins; undefined when the call failed. */
  decisions?: readonly Decision[];
  error?: unknown;
}

export interface GateTraces {
  /** Undefined when none of the joins is sampled. */
  begin: (gate: CalledGate, joins: readonly CallingJoin[]) => GateCallTrace | undefined;
  /** Ends the spans. A call that failed or was slow and has none is recorded now. */
  end: (trace: GateCallTrace | undefined, gate: CalledGate, called: GateCalled) => void;
}

export function createGateTraces(): GateTraces {
  const mayRecord = createPerSecond(limits.faultTracesPerSecond);
  return {
    begin(gate, joins) {
      if (!joins.some(({ trace }) => trace !== '')) return undefined;
      const parents = joins.map(({ trace }) => sampledContext(trace));
      const call = startCall(gate, { size: joins.length, links: parents.filter((one) => one !== undefined) });
      const producers = parents.map((parent) => parent && startProducer(gate, parent, call));
      const traced = joins.map(({ tag, user, trace }, index) => {
        const producer = producers[index];
        return { tag, user, trace: producer === undefined ? trace : traceparentOf(producer) };
      });
      return { joins: traced, call, producers };
    },
    end(trace, gate, { startedAt, size, decisions, error }) {
      const isSlow = performance.now() - startedAt > limits.slowJoinMs;
      const isNoted = trace === undefined && (isSlow || error !== undefined) && mayRecord(isSlow ? 'slow' : 'fault');
      const call = isNoted ? startCall(gate, { size, links: [], startTime: startedAt }) : trace?.call;
      if (error !== undefined && call !== undefined) {
        failSpan(call, error);
        noteFault(error, call.spanContext());
      }
      call?.end();
      if (decisions === undefined) return;
      for (const [index, producer] of trace?.producers.entries() ?? []) endProducer(producer, gate, decisions[index]!);
    },
  };
}

interface Call {
  size: number;
  links: readonly SpanContext[];
  startTime?: number;
}

/** A child of the first of its joins, so that most traces, of a call with one sampled join, hold it; linked to all. */
function startCall(gate: CalledGate, { size, links, startTime }: Call): Span | undefined {
  const attributes = { ...scriptAttributes('admit', gate.id), 'sluice.batch.size': size };
  return startSpan('EVALSHA admit', { kind: SpanKind.CLIENT, attributes, parent: links[0], links, startTime });
}

/** Its shard and its id are known once the gate has answered. One of a join that gets no entry is never ended, so never sent. */
function startProducer(gate: CalledGate, parent: SpanContext, call: Span | undefined): Span | undefined {
  const links = call === undefined ? [] : [call.spanContext()];
  const attributes = streamAttributes('send', gate.id, 0);
  return startSpan(`send ${TICKETS}`, { kind: SpanKind.PRODUCER, attributes, parent, links });
}

function endProducer(producer: Span | undefined, { shards }: CalledGate, decision: Decision): void {
  if (producer === undefined || decision.kind !== 'admitted') return;
  producer.setAttributes({
    'messaging.destination.partition.id': String(shardOf(decision.seq, shards)),
    'messaging.message.id': entryIdOf(decision.seq),
  });
  producer.end();
}
