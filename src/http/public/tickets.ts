// GET /v1/tickets/{ticket}: the poll, the long-poll and the event stream, all of one memory.
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { HeldTicket } from '../../admission/held-tickets.ts';
import { endsWait, type TicketBody, ticketJson } from '../../admission/ticket-body.ts';
import type { Tickets } from '../../admission/tickets.ts';
import type { Waits } from '../../admission/waits.ts';
import { userTag } from '../../domain/ids.ts';
import { limits } from '../../process/limits.ts';
import type { TraceTicket } from '../../telemetry/ticket-trace.ts';
import type { AddressOf } from '../client-address.ts';
import { connectionOf, isHead } from '../connection.ts';
import { declare } from '../declare.ts';
import { type Header, headersOf } from '../headers.ts';
import * as problems from '../problems.ts';
import { json, jsonText } from '../respond.ts';
import type { Identify, Identity } from './caller.ts';
import { inTurn } from './in-turn.ts';
import { preferredWaitMs, prefersEvents } from './preferences.ts';
import { jsonAnswer, problemAnswer, ticketSchema, userHeader } from './schemas.ts';
import { createTicketStream, type StreamTicket } from './ticket-stream.ts';

export interface TicketRouteDeps {
  tickets: Tickets;
  identify: Identify;
  addressOf: AddressOf;
  waits: Waits;
  traceTicket: TraceTicket;
  /** The code is shown, and a ticket taken back, only where its owner asks. */
  ticketsNeedUser: boolean;
}

interface PollDeps extends TicketRouteDeps {
  streamTicket: StreamTicket;
}

export function ticketRoute(app: OpenAPIHono, deps: TicketRouteDeps): void {
  const pollDeps: PollDeps = { ...deps, streamTicket: createTicketStream(deps) };
  declare(
    app,
    {
      method: 'get',
      path: '/v1/tickets/{ticket}',
      summary: 'Poll a ticket',
      description:
        'With TICKETS_NEED_USER=on, only the owner of the ticket is shown issuance, which holds the code. Prefer: wait=25 makes the front wait up to 25 s for a change; the longest wait is 30 s, and Preference-Applied says how long the front was ready to wait. Accept: text/event-stream streams every change until the ticket is issued, failed or cancelled.',
      request: {
        params: z.object({ ticket: z.string() }),
        headers: userHeader.extend({
          prefer: z.string().optional().openapi({ description: 'RFC 7240: wait=N, in whole seconds' }),
          'last-event-id': z.string().optional().openapi({ description: 'The id of the last event of a stream' }),
        }),
      },
      responses: {
        200: {
          description: 'The ticket: its status, and its place in the queue',
          content: { ...jsonAnswer('', ticketSchema).content, 'text/event-stream': { schema: z.string() } },
        },
        204: { description: 'Last-Event-ID names the final event of the stream; no further event will come' },
        401: problemAnswer('The bearer token is not valid. Without a token, anyone holding the ticket may poll it'),
        404: problemAnswer('There is no such ticket, or it belongs to another user'),
        410: problemAnswer('campaign-purged: the campaign has ended, and the shop has deleted its tickets'),
        429: problemAnswer(
          'quota-exceeded: wait for pollAfterMs between polls. too-many-waits: this ticket or this user has reached the limit of open long-polls and streams; poll after Retry-After without Prefer and without text/event-stream',
        ),
        503: problemAnswer(
          'The outcome is unknown, or this front has reached its limit of open streams; ask again after Retry-After',
        ),
      },
    },
    (c) => poll(c, pollDeps),
  );
}

function poll(c: Context, deps: PollDeps): Response | Promise<Response> {
  return withHeldTicket(c, deps, 'GET', (asked, header) => answer(c, deps, asked, header));
}

/**
 * What `then` answers about the ticket of the path, if it is one and, where somebody says who asks, theirs. The ticket
 * is looked at first: that costs a fraction of a token's signature, and a made-up ticket gets no token checked.
 */
export function withHeldTicket(
  c: Context,
  deps: Pick<TicketRouteDeps, 'tickets' | 'identify' | 'addressOf' | 'traceTicket'>,
  method: 'GET' | 'DELETE',
  then: (asked: Asked, header: Header) => Response | Promise<Response>,
): Response | Promise<Response> {
  const header = headersOf(c);
  const held = deps.tickets.hold(c.req.param('ticket')!);
  if (held === undefined) return problems.unknownTicket();
  const identified = deps.identify(header, () => deps.addressOf(c, header));
  return inTurn(identified, (identity) => {
    if (identity.kind === 'unknown') return problems.unavailable(identity.detail, { kind: 'identity-unknown' });
    if (identity.kind === 'limited') return problems.tooMany(identity.waitMs, identity.quota);
    // Where there is no scheme to name, it is as good as somebody else.
    if (identity.kind === 'invalid' && identity.challenge !== undefined) return problems.unidentified(identity);
    if (!isTheirs(held, identity)) return problems.unknownTicket();
    const asked = { held, user: identity.kind === 'user' ? identity.user : undefined, identity };
    const { ticket, trace } = held;
    return deps.traceTicket({ method, campaign: ticket.campaign, trace, header }, () => then(asked, header));
  });
}

/** A ticket that is asked for, and by whom where that is known. */
export interface Asked {
  held: HeldTicket;
  user: string | undefined;
  identity: Identity;
}

function answer(c: Context, deps: PollDeps, { held, user }: Asked, header: Header): Response | Promise<Response> {
  if (!deps.tickets.mayPoll(held)) {
    const quota = { name: 'polls-per-ticket', count: deps.tickets.pollsPerSecond, windowSeconds: 1 };
    return problems.tooMany(limits.pollMinMs, quota);
  }
  const body = deps.tickets.peek(held);
  const streams = prefersEvents(c, header);
  const waitMs = preferredWaitMs(header('prefer'));
  if (body !== undefined && !streams && waitMs === 0) return jsonText(200, ticketJson(shownTo(user, body, deps)));
  return answerLater(c, deps, held, { user, body, streams, waitMs });
}

interface LaterAnswer {
  user: string | undefined;
  body: TicketBody | undefined;
  streams: boolean;
  waitMs: number;
}

async function answerLater(c: Context, deps: PollDeps, held: HeldTicket, asked: LaterAnswer): Promise<Response> {
  const { user, waitMs } = asked;
  const body = asked.body ?? (await deps.tickets.status(held, user));
  if (body === undefined) return problems.unknownTicket();
  const show = (one: TicketBody) => shownTo(user, one, deps);
  if (asked.streams) return deps.streamTicket(c, { held, user, body, show });
  // Its client wants the head of the answer, and wants it now.
  if (waitMs === 0 || isHead(c)) return json(200, show(body));
  const applied = { 'preference-applied': `wait=${waitMs / 1_000}` };
  if (endsWait(body.status)) return json(200, show(body), applied);
  return longPoll(c, deps, { held, user, body, waitMs, show }, applied);
}

interface LongPoll {
  held: HeldTicket;
  user: string | undefined;
  body: TicketBody;
  waitMs: number;
  show: (body: TicketBody) => TicketBody;
}

async function longPoll(
  c: Context,
  { waits }: PollDeps,
  { held, user, body, waitMs, show }: LongPoll,
  applied: Record<string, string>,
): Promise<Response> {
  const connection = connectionOf(c);
  const wait = waits.open({ kind: 'long-poll', held, user, isGone: connection.isGone });
  if (wait === 'front') return json(200, show(body));
  if (typeof wait === 'string') return problems.tooManyWaits(wait, body);
  const end = () => waits.end(wait);
  connection.onClose(end);
  return json(200, show(await waits.untilChanged(wait, body, { waitMs }).finally(end)), applied);
}

/** Without the code, where only its owner may have it and nobody said that they are: a text may be found in a log. */
function shownTo(user: string | undefined, body: TicketBody, deps: Pick<PollDeps, 'ticketsNeedUser'>): TicketBody {
  if (!deps.ticketsNeedUser || user !== undefined || body.issuance === undefined) return body;
  const { issuance: _, ...rest } = body;
  return rest;
}

/** A ticket is a bearer's; but who says who they are must be who it was made for. */
function isTheirs(held: HeldTicket, identity: Identity): boolean {
  if (identity.kind === 'nobody') return true;
  return identity.kind === 'user' && userTag(held.ticket.campaign, identity.user) === held.ticket.tag;
}
