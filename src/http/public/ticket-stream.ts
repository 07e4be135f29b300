// The event stream of a ticket: for a browser's EventSource, through proxies that cut what is silent, to its last event.
import type { Context } from 'hono';
import type { HeldTicket } from '../../admission/held-tickets.ts';
import { endsWait, isFinal, type TicketBody, ticketJson } from '../../admission/ticket-body.ts';
import type { Wait, Waits } from '../../admission/waits.ts';
import { limits } from '../../process/limits.ts';
import { connectionOf, isHead } from '../connection.ts';
import * as problems from '../problems.ts';
import { SECURE_HEADERS } from '../respond.ts';
import { type EventWriter, openEvents, WRITTEN } from './event-writer.ts';
import { createHeartbeat, type HeartbeatOptions } from './heartbeat.ts';

export interface TicketStreamDeps {
  waits: Waits;
}

export interface Followed {
  held: HeldTicket;
  user: string | undefined;
  /** Where it stands as the stream begins. */
  body: TicketBody;
  /** What of a body its client may see, if not all of it. */
  show?: (body: TicketBody) => TicketBody;
}

/** Opens the stream of a ticket. */
export type StreamTicket = (c: Context, followed: Followed) => Response;

/**
 * nginx would gather an answer into its buffers. No `Transfer-Encoding` nor `Connection`: those are for the server to
 * choose, which may be asked in HTTP/1.0 or be about to leave.
 */
const STREAM_HEADERS = { ...SECURE_HEADERS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };

const RHYTHM = { periodMs: limits.heartbeatMs, lifeMs: limits.streamMaxMs, slots: limits.heartbeatSlots };

export function createTicketStream({ waits }: TicketStreamDeps, rhythm: HeartbeatOptions = RHYTHM): StreamTicket {
  const heartbeat = createHeartbeat(rhythm);
  return (c, followed) => {
    const { held, user, body } = followed;
    // An EventSource comes back after every end of a stream, saying what it heard last; only a 204 makes it stay away.
    if (isFinal(body.status) && c.req.header('last-event-id') === eventId(body)) return ended();
    if (isHead(c)) return new Response(null, { headers: STREAM_HEADERS });
    const connection = connectionOf(c);
    const wait = waits.open({ kind: 'stream', held, user, isGone: connection.isGone });
    if (typeof wait === 'string') return problems.tooManyWaits(wait, body);
    connection.onClose(() => waits.end(wait));
    const events = openEvents(c, STREAM_HEADERS);
    const release = heartbeat({ beat: events.comment, over: () => waits.end(wait) });
    wait.onEnd = events.release;
    void tell(events, waits, wait, followed).finally(() => {
      release();
      wait.onEnd = undefined;
      waits.end(wait);
      events.end();
    });
    return WRITTEN;
  };
}

const ended = (): Response => new Response(null, { status: 204, headers: SECURE_HEADERS });

/** Writes an event for each change until the ticket's last, the end of the wait, or an outcome that cannot be asked for. */
async function tell(
  events: EventWriter,
  waits: Waits,
  wait: Wait,
  { body: first, show = (one) => one }: Pick<Followed, 'body' | 'show'>,
): Promise<void> {
  let body = first;
  for (let told: string | undefined; ; ) {
    const id = eventId(body);
    // The first one also where the front is about to leave: it says when to come back.
    if (id !== told) await events.write({ id, data: ticketJson(show(body)), retryMs: retryMs(body) });
    told = id;
    if (endsWait(body.status) || wait.isOver) return;
    const patience = { waitMs: limits.streamMaxMs, placeAfterMs: Math.max(limits.streamEventMs, body.pollAfterMs) };
    const changed = await waits.untilChanged(wait, body, patience).catch(() => undefined);
    // The outcome is unknown just now: the stream ends, and the client comes back after `retry`.
    if (changed === undefined) return;
    body = changed;
  }
}

/** What an event says, so that a client that has heard it is not told again: a ticket that was issued may be given back. */
function eventId({ status, ahead, issuance }: TicketBody): string {
  return `${status}-${issuance?.unit ?? ahead}`;
}

/** How long an EventSource waits before it comes back: as long as a poller, and after the last event without any hurry. */
function retryMs({ status, pollAfterMs }: TicketBody): number {
  return endsWait(status) ? Math.round(limits.pollMaxMs * (0.8 + 0.4 * Math.random())) : pollAfterMs;
}
