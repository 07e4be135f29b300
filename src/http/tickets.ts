// GET /v1/tickets/{ticket}: the poll, the long-poll and the event stream, all of one memory.
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { isFinal, type TicketBody, ticketJson } from '../admission/ticket-body.ts';
import type { HeldTicket, Tickets } from '../admission/tickets.ts';
import { userTag } from '../domain/ids.ts';
import { limits } from '../limits.ts';
import type { Identify, Identity } from './caller.ts';
import { declare } from './declare.ts';
import { type Header, headersOf } from './headers.ts';
import { inTurn } from './in-turn.ts';
import * as problems from './problems.ts';
import { json, jsonText, SECURE_HEADERS } from './respond.ts';
import { jsonAnswer, problemAnswer, ticketSchema, userHeader } from './schemas.ts';

export interface TicketRouteDeps {
  tickets: Tickets;
  identify: Identify;
  /** Aborts when nobody should wait here any more: streams and long-polls end, and clients ask another front. */
  leaving: AbortSignal;
}

export function ticketRoute(app: OpenAPIHono, deps: TicketRouteDeps): void {
  declare(
    app,
    {
      method: 'get',
      path: '/v1/tickets/{ticket}',
      summary: 'What became of a ticket',
      description: 'Prefer: wait=25 waits for a change. Accept: text/event-stream streams every change until the end.',
      request: {
        params: z.object({ ticket: z.string() }),
        headers: userHeader.extend({ prefer: z.string().optional() }),
      },
      responses: {
        200: jsonAnswer('Where it stands', ticketSchema),
        401: problemAnswer("The bearer token is not valid; without one a ticket is its bearer's"),
        404: problemAnswer('No such ticket, or not yours'),
        429: problemAnswer('quota-exceeded: poll as pollAfterMs says'),
        503: problemAnswer('The outcome is unknown: ask again'),
      },
    },
    (c) => poll(c, deps),
  );
}

function poll(c: Context, deps: TicketRouteDeps): Response | Promise<Response> {
  return withHeldTicket(c, deps, (asked, header) => answer(c, deps, asked, header));
}

/** What `then` answers about the ticket of the path, if it is one and, where somebody says who asks, theirs. */
export function withHeldTicket(
  c: Context,
  deps: Pick<TicketRouteDeps, 'tickets' | 'identify'>,
  then: (asked: Asked, header: Header) => Response | Promise<Response>,
): Response | Promise<Response> {
  const header = headersOf(c);
  return inTurn(deps.identify(header), (identity) => {
    if (identity.kind === 'unknown') return problems.unavailable(identity.detail, { kind: 'identity-unknown' });
    // Told before anything is said of the ticket. Where there is no scheme to name, it is as good as somebody else.
    if (identity.kind === 'invalid' && identity.challenge !== undefined) return problems.unidentified(identity);
    const held = deps.tickets.hold(c.req.param('ticket')!);
    if (held === undefined || !isTheirs(held, identity)) return problems.unknownTicket();
    return then({ held, user: identity.kind === 'user' ? identity.user : undefined }, header);
  });
}

/** A ticket that is asked for, and by whom where that is known. */
export interface Asked {
  held: HeldTicket;
  user: string | undefined;
}

function answer(
  c: Context,
  deps: TicketRouteDeps,
  { held, user }: Asked,
  header: Header,
): Response | Promise<Response> {
  if (!deps.tickets.mayPoll(held)) {
    const quota = { name: 'polls-per-ticket', count: deps.tickets.pollsPerSecond, windowSeconds: 1 };
    return problems.tooMany(limits.pollMinMs, quota);
  }
  const body = deps.tickets.peek(held);
  const streams = header('accept') === 'text/event-stream';
  const waitMs = preferredWaitMs(header('prefer'));
  if (body !== undefined && !streams && waitMs === 0) return jsonText(200, ticketJson(body));
  return answerLater(c, deps, held, { user, body, streams, waitMs });
}

interface LaterAnswer {
  user: string | undefined;
  body: TicketBody | undefined;
  streams: boolean;
  waitMs: number;
}

async function answerLater(c: Context, deps: TicketRouteDeps, held: HeldTicket, asked: LaterAnswer): Promise<Response> {
  const body = asked.body ?? (await deps.tickets.status(held, asked.user));
  if (body === undefined) return problems.unknownTicket();
  if (asked.streams) return stream(c, deps, held, asked.user, body);
  if (asked.waitMs === 0 || isFinal(body.status)) return json(200, body);
  if (deps.tickets.waiterCount() >= limits.waitersMax) return json(200, body);
  const gone = AbortSignal.any([c.req.raw.signal, deps.leaving]);
  const changed = await deps.tickets.untilChanged(held, asked.user, body, asked.waitMs, gone);
  return json(200, changed, { 'preference-applied': `wait=${asked.waitMs / 1_000}` });
}

/** A ticket is a bearer's; but who says who they are must be who it was made for. */
function isTheirs(held: HeldTicket, identity: Identity): boolean {
  if (identity.kind === 'nobody') return true;
  return identity.kind === 'user' && userTag(held.ticket.campaign, identity.user) === held.ticket.tag;
}

/** RFC 7240 `wait`, in whole seconds. */
function preferredWaitMs(prefer: string | undefined): number {
  const seconds = prefer?.match(/(?:^|[,;\s])wait=(\d{1,3})(?:$|[,;\s])/)?.[1];
  return seconds === undefined ? 0 : Math.min(Number(seconds) * 1_000, limits.longPollMaxMs);
}

function stream(
  c: Context,
  deps: TicketRouteDeps,
  held: HeldTicket,
  user: string | undefined,
  first: TicketBody,
): Response {
  if (deps.tickets.waiterCount() >= limits.waitersMax)
    return problems.unavailable('Too many streams are open: poll.', { kind: 'streams-full' });
  const response = streamSSE(c, async (events) => {
    const gone = AbortSignal.any([c.req.raw.signal, deps.leaving]);
    let body = first;
    let told = '';
    while (!events.aborted && !gone.aborted) {
      const { status, ahead } = body;
      if (`${status} ${ahead}` !== told) {
        await events.writeSSE({ event: 'ticket', data: JSON.stringify(body), retry: limits.pollMinMs * 2 });
        told = `${status} ${ahead}`;
      }
      if (isFinal(status)) return;
      const changed = await deps.tickets
        .untilChanged(held, user, body, limits.streamEventMs, gone)
        .catch(() => undefined);
      // The outcome is unknown just now: the stream ends, and the client comes back after `retry`.
      if (changed === undefined) return;
      body = changed;
    }
  });
  // After the stream's own headers, which would let a cache keep it.
  for (const [name, value] of Object.entries(SECURE_HEADERS)) response.headers.set(name, value);
  return response;
}
