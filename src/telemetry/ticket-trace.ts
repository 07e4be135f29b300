// The server spans of polling a sampled ticket and of giving it back, and the producer span of a place that is given again.
import { type SpanContext, SpanKind } from '@opentelemetry/api';
import { limits } from '../process/limits.ts';
import { answeredIn } from './answer-trace.ts';
import { callerReader, type Header } from './caller.ts';
import { streamAttributes, TICKETS } from './messaging.ts';
import { createPerSecond } from './per-second.ts';
import { activeSpan, failSpan, inSpan, isSampled, sampledContext, startSpan, traceparentOf, within } from './spans.ts';

export interface TicketRequest {
  method: 'GET' | 'DELETE';
  campaign: string;
  /** The traceparent of the join, where this front decided it and recorded it. */
  trace: string | undefined;
  header: Header;
}

/** Answers a request about a ticket, in a span where its ticket is sampled or its caller says so. */
export type TraceTicket = <R extends { status: number }>(
  asked: TicketRequest,
  answer: () => R | Promise<R>,
) => R | Promise<R>;

const ROUTE = '/v1/tickets/{ticket}';

export function createTicketTraces(): TraceTicket {
  const mayRecord = createPerSecond(limits.ticketTracesPerSecond);
  const mayForce = createPerSecond(limits.forcedTracesPerSecond);
  const readCaller = callerReader();
  return ({ method, campaign, trace, header }, answer) => {
    const ticket = trace === undefined ? undefined : sampledContext(trace);
    const caller = readCaller(header);
    const forces = caller !== undefined && isSampled(caller);
    const isRecorded = ticket === undefined ? forces && mayForce() : mayRecord();
    if (!isRecorded) return answer();
    const parent = forces ? caller : ticket;
    const links: SpanContext[] = forces && ticket !== undefined ? [ticket] : [];
    const attributes = { 'http.request.method': method, 'http.route': ROUTE, 'sluice.campaign': campaign };
    const span = startSpan(`${method} ${ROUTE}`, { kind: SpanKind.SERVER, attributes, parent, links });
    if (span === undefined) return answer();
    const end = <R extends { status: number }>(response: R): R => {
      span.setAttribute('http.response.status_code', response.status);
      span.end();
      return answeredIn(span.spanContext(), response);
    };
    const answered = within(span, answer);
    if (!(answered instanceof Promise)) return end(answered);
    return answered.then(end, (error: unknown) => {
      failSpan(span, error);
      span.end();
      throw error;
    });
  };
}

/** Gives a lost ticket a place again by `readmit`, which gets the traceparent for its entry; '' outside of a recorded trace. */
export async function inReadmissionSpan<T extends { seq: number }>(
  { id, shards }: { id: string; shards: number },
  readmit: (traceparent: string) => Promise<T>,
): Promise<T> {
  const parent = activeSpan()?.spanContext();
  if (parent === undefined) return readmit('');
  const attributes = { ...streamAttributes('send', id, 0), 'sluice.readmission': true };
  const span = startSpan(`send ${TICKETS}`, { kind: SpanKind.PRODUCER, attributes, parent });
  return inSpan(span, async () => {
    const given = await readmit(traceparentOf(span));
    span?.setAttribute('messaging.destination.partition.id', String(given.seq % shards));
    return given;
  });
}
