// POST /v1/campaigns/{id}/tickets: the join.
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { JoinAnswer, Joins } from '../../admission/joins.ts';
import { type TicketBody, ticketJson } from '../../admission/ticket-body.ts';
import type { Tickets } from '../../admission/tickets.ts';
import type { DecisionKind } from '../../domain/decision.ts';
import { isFault } from '../../domain/fault.ts';
import { isCampaignId } from '../../domain/ids.ts';
import { answeredIn } from '../../telemetry/answer-trace.ts';
import type { JoinTraces } from '../../telemetry/join-trace.ts';
import { traceparentOf, within } from '../../telemetry/spans.ts';
import type { AddressOf } from '../client-address.ts';
import { declare } from '../declare.ts';
import { type Header, headersOf } from '../headers.ts';
import * as problems from '../problems.ts';
import { jsonText } from '../respond.ts';
import type { Identify, Identity } from './caller.ts';
import type { ClientLimit } from './client-limits.ts';
import { inTurn } from './in-turn.ts';
import { isBodyTooLarge } from './join-body.ts';
import type { LoadShedding } from './load-shedding.ts';
import { campaignId, jsonAnswer, problemAnswer, ticketSchema, userHeader } from './schemas.ts';

export interface JoinRouteDeps {
  joins: Joins;
  tickets: Tickets;
  identify: Identify;
  addressOf: AddressOf;
  clientLimits: { address: ClientLimit; user: ClientLimit };
  shedding: LoadShedding;
  traces: JoinTraces;
  decisions: Record<DecisionKind, number>;
  /** Counts a decision to its campaign. */
  countJoin: (campaign: string, decision: DecisionKind) => void;
  /** Joins refused unseen, by what was too slow. */
  shed: Record<ShedReason, number>;
  observeJoin: (seconds: number, traceparent: string) => void;
}

type ShedReason = 'event-loop' | 'gate';

export function joinRoute(app: OpenAPIHono, deps: JoinRouteDeps): void {
  declare(
    app,
    {
      method: 'post',
      path: '/v1/campaigns/{id}/tickets',
      summary: 'Join a campaign',
      description: 'The request has no body. It is safe to send it again: the same user gets the same ticket.',
      request: { params: z.object({ id: campaignId }), headers: userHeader },
      responses: {
        200: jsonAnswer('The user holds this ticket already', ticketSchema),
        202: jsonAnswer('The user is admitted, and the ticket will be issued', ticketSchema),
        401: problemAnswer('The request does not identify a user'),
        404: problemAnswer('No such campaign'),
        409: problemAnswer('sold-out or campaign-not-open'),
        410: problemAnswer('campaign-ended'),
        413: problemAnswer('A join has no body'),
        429: problemAnswer('quota-exceeded: join again after Retry-After'),
        503: problemAnswer('temporary-reduced-capacity or campaign-paused: join again after Retry-After'),
      },
    },
    (c) => join(c, deps),
  );
}

/** Answers in the same turn wherever nothing has to be asked: a refusal must cost less than an admission. */
function join(c: Context, deps: JoinRouteDeps): Response | Promise<Response> {
  const startedAt = performance.now();
  const id = c.req.param('id')!;
  if (deps.shedding.isSaturated()) return shed(deps, 'event-loop');
  if (deps.joins.isFull(id)) return shed(deps, 'gate');
  if (!isCampaignId(id)) return problems.unknownCampaign();
  if (deps.joins.refusesGuess(id)) return problems.guessedTooOften();
  const header = headersOf(c);
  const { address } = deps.clientLimits;
  return inTurn(isBodyTooLarge(c, header), (tooLarge) => {
    if (tooLarge) return problems.bodyTooLarge();
    const from = deps.addressOf(c, header);
    // Before anybody is identified: whoever guesses tokens is counted, too.
    return limited(address, from, () =>
      inTurn(
        deps.identify(header, () => from),
        (identity) => joinAs(deps, identity, { id, header, startedAt }),
      ),
    );
  });
}

function shed(deps: JoinRouteDeps, reason: ShedReason): Response {
  deps.shed[reason] += 1;
  return problems.overloaded(`the ${reason} is too slow`);
}

interface AskedJoin {
  id: string;
  header: Header;
  startedAt: number;
}

function joinAs(deps: JoinRouteDeps, identity: Identity, asked: AskedJoin): Response | Promise<Response> {
  if (identity.kind === 'unknown') return problems.unavailable(identity.detail, { kind: 'identity-unknown' });
  if (identity.kind === 'limited') return problems.tooMany(identity.waitMs, identity.quota);
  if (identity.kind !== 'user') return problems.unidentified(identity);
  return limited(deps.clientLimits.user, identity.user, () => decideJoin(deps, identity.user, asked));
}

/** What `decide` answers, unless this client joins too often. */
function limited(
  limit: ClientLimit,
  client: string | undefined,
  decide: () => Response | Promise<Response>,
): Response | Promise<Response> {
  const questioned = client === undefined ? undefined : limit.refuse(client);
  if (questioned === undefined) return decide();
  return inTurn(questioned, (waitMs) => (waitMs > 0 ? problems.tooMany(waitMs, limit.quota) : decide()));
}

function decideJoin(
  deps: JoinRouteDeps,
  user: string,
  { id, header, startedAt }: AskedJoin,
): Response | Promise<Response> {
  const span = deps.traces.begin(header, startedAt);
  const traceparent = traceparentOf(span);
  const end = (decision: DecisionKind | 'unknown', response: Response, error?: unknown): Response => {
    const ended = { startedAt, decision, campaign: id, status: response.status, error };
    return answeredIn(deps.traces.end(span, ended), response);
  };
  const decided = (answer: JoinAnswer): Response | Promise<Response> => {
    const { kind } = answer.decision;
    deps.decisions[kind] += 1;
    deps.countJoin(id, kind);
    const response = answered(deps, answer, user, traceparent);
    if (!(response instanceof Promise)) return end(kind, response);
    return response.then(
      (now) => end(kind, now),
      (error: unknown) => end(kind, problems.faulted(error), error),
    );
  };
  const answer = within(span, () => deps.joins.join(id, user, traceparent));
  if (!(answer instanceof Promise)) return decided(answer);
  return answer.then(
    (later) => {
      deps.observeJoin((performance.now() - startedAt) / 1_000, traceparent);
      return later === undefined ? end('unknown', problems.unknownCampaign()) : decided(later);
    },
    (error: unknown) => {
      const isOver = isFault(error, 'archived') || isFault(error, 'purged');
      if (isOver) deps.decisions.ended += 1;
      return isOver ? end('ended', problems.ended()) : end('unknown', problems.faulted(error), error);
    },
  );
}

function answered(
  { tickets }: JoinRouteDeps,
  { decision, memory, tag }: JoinAnswer,
  user: string,
  traceparent: string,
): Response | Promise<Response> {
  if (decision.kind === 'admitted')
    return admitted(202, tickets.handOut(memory, decision, tag, traceparent), traceparent);
  if (decision.kind !== 'known') return problems.refused(decision, memory.view);
  const held = tickets.holdOwn(memory, decision, tag, traceparent);
  const known = tickets.peek(held);
  if (known !== undefined) return admitted(200, known, traceparent);
  return tickets
    .status(held, user)
    .then((now) => admitted(200, now ?? tickets.handOut(memory, decision, tag), traceparent));
}

/** A client that sends the traceparent back with its polls has them in the trace, whichever front answers. */
function admitted(status: 200 | 202, body: TicketBody, traceparent: string): Response {
  return jsonText(status, ticketJson(body), {
    location: body.links.self,
    'retry-after': String(Math.max(1, Math.round(body.pollAfterMs / 1_000))),
    ...(traceparent !== '' && { traceparent }),
  });
}
