// DELETE /v1/tickets/{ticket}: the place or the unit goes back, once.
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { ticketJson } from '../../admission/ticket-body.ts';
import type { Tickets } from '../../admission/tickets.ts';
import type { GiveBack, GiveBackAnswer } from '../../giving-back/give-back.ts';
import { limits } from '../../process/limits.ts';
import type { TraceTicket } from '../../telemetry/ticket-trace.ts';
import type { AddressOf } from '../client-address.ts';
import { declare } from '../declare.ts';
import * as problems from '../problems.ts';
import { jsonText, misuse, retryAfter } from '../respond.ts';
import type { Identify } from './caller.ts';
import { jsonAnswer, problemAnswer, ticketSchema } from './schemas.ts';
import { type Asked, withHeldTicket } from './tickets.ts';

export interface GiveBackRouteDeps {
  tickets: Tickets;
  giveBack: GiveBack;
  identify: Identify;
  addressOf: AddressOf;
  traceTicket: TraceTicket;
  ticketsNeedUser: boolean;
}

export function giveBackRoute(app: OpenAPIHono, deps: GiveBackRouteDeps): void {
  declare(
    app,
    {
      method: 'delete',
      path: '/v1/tickets/{ticket}',
      summary: 'Give a ticket back',
      description:
        'Cancels the ticket permanently: its buyer cannot get another one in this campaign, and its unit is sold again. It is safe to send the request again.',
      request: {
        params: z.object({ ticket: z.string() }),
        headers: z.object({ 'x-user-id': z.string().optional() }),
      },
      responses: {
        200: jsonAnswer('The ticket is cancelled', ticketSchema),
        202: jsonAnswer('The ticket is being retried, and will be cancelled instead of issued', ticketSchema),
        401: problemAnswer('The bearer token is not valid, or the request does not identify the owner of the ticket'),
        404: problemAnswer('There is no such ticket, or it belongs to another user'),
        409: problemAnswer('ticket-unaccounted: the gate says issued, and the ledger has no row of it'),
        410: problemAnswer(
          'campaign-ended: the campaign is archived, and its tickets cannot be given back any more. campaign-purged: its tickets were deleted',
        ),
        429: problemAnswer('quota-exceeded: ask again after Retry-After'),
        503: problemAnswer(
          'A worker is working on the ticket, or the outcome is unknown; send the request again after Retry-After',
        ),
      },
    },
    (c) => withHeldTicket(c, deps, 'DELETE', (asked) => giveBack(deps, asked)),
  );
}

function giveBack(deps: GiveBackRouteDeps, { held, user, identity }: Asked): Response | Promise<Response> {
  if (deps.ticketsNeedUser && user === undefined) {
    const challenge = 'challenge' in identity ? identity.challenge : undefined;
    const detail = 'Only the owner may give a ticket back. Send the request again, signed in as the owner.';
    return problems.unidentified({ detail, ...(challenge !== undefined && { challenge }) });
  }
  if (!deps.tickets.mayPoll(held)) {
    const quota = { name: 'polls-per-ticket', count: deps.tickets.pollsPerSecond, windowSeconds: 1 };
    return problems.tooMany(limits.pollMinMs, quota);
  }
  const answer = deps.giveBack(held, user);
  // Remembered: its client was told before, and asks again.
  return answer instanceof Promise ? answer.then(answered) : misuse(answered(answer));
}

function answered(answer: GiveBackAnswer): Response {
  switch (answer.kind) {
    case 'cancelled':
      return jsonText(200, ticketJson(answer.body));
    case 'cancelling':
      return jsonText(202, ticketJson(answer.body), retryAfter(answer.body.pollAfterMs));
    case 'busy':
      return problems.unavailable('A worker is working on this ticket. Please try again.', { kind: 'ticket-in-work' });
    case 'unaccounted':
      return problems.unaccountedTicket();
    case 'ended':
      return problems.ended();
    case 'unknown':
      return problems.unknownTicket();
  }
}
