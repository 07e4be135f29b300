// The ticket as a client sees it: one shape for the join, the poll and the stream.
import { type Eta, pollAfterMs } from '../domain/drain-rate.ts';
import { aheadOf } from '../domain/gate-view.ts';
import type { Ticket } from '../domain/ticket.ts';
import { STATUSES, type TicketStatus } from '../domain/ticket-state.ts';
import { limits } from '../process/limits.ts';
import { type CampaignMemory, isFresh } from './campaign-memory.ts';

export interface TicketBody {
  ticket: string;
  campaign: string;
  status: TicketStatus;
  seq: number;
  ahead: number;
  eta: Eta;
  pollAfterMs: number;
  durability: string;
  links: { self: string; campaign: string };
  issuance?: { code: string; unit: number };
  problem?: { type: string; title: string };
}

const DONE: Eta = { known: true, p50Ms: 0, p90Ms: 0 };
const UNKNOWN: Eta = { known: false, p50Ms: null, p90Ms: null };

export const isFinal = (status: TicketStatus): boolean => STATUSES[status].wait === 'over';

/** Whether nothing is left to wait for: a failed ticket changes only when an operator redrives it, which a poll now and then finds. */
export const endsWait = (status: TicketStatus): boolean => STATUSES[status].wait !== 'goes-on';

/** What all bodies of a front say alike; `publicUrl` is where links begin, if not at the front's own address. */
export interface Told {
  durability: string;
  publicUrl?: string | undefined;
}

export const failure = (reason: string): NonNullable<TicketBody['problem']> => ({
  type: 'urn:problem-type:sluice:issuance-failed',
  title: reason,
});

/** The body of a ticket that has ended, told without its gate: as {@link ticketBody} tells it. */
export function endedBody(
  text: string,
  ticket: Ticket,
  status: 'issued' | 'cancelled' | 'failed',
  { durability, publicUrl = '' }: Told,
  reason?: string,
): TicketBody {
  return {
    ticket: text,
    campaign: ticket.campaign,
    status,
    seq: ticket.seq,
    ahead: 0,
    eta: DONE,
    pollAfterMs: isFinal(status) ? 0 : limits.pollMaxMs,
    durability,
    links: linksOf(text, ticket, publicUrl),
    ...(reason !== undefined && { problem: failure(reason) }),
  };
}

const linksOf = (text: string, { campaign }: Pick<Ticket, 'campaign'>, publicUrl: string): TicketBody['links'] => ({
  self: `${publicUrl}/v1/tickets/${text}`,
  campaign: `${publicUrl}/v1/campaigns/${campaign}`,
});

/** The body of `ticket`, which stands at the seq `place`: how far that is, and when to ask again, by what `memory` knows at `now`. */
export function ticketBody(
  text: string,
  ticket: Pick<Ticket, 'campaign' | 'seq'>,
  place: number,
  status: TicketStatus,
  memory: CampaignMemory,
  { durability, publicUrl = '' }: Told,
  now: number,
): TicketBody {
  const ahead = status === 'queued' ? aheadOf(memory.view, place) : 0;
  const eta = endsWait(status) ? DONE : isFresh(memory, now) ? memory.drain.eta(ahead + 1) : UNKNOWN;
  return {
    ticket: text,
    campaign: ticket.campaign,
    status,
    seq: ticket.seq,
    ahead,
    eta,
    // A failed ticket may be redriven by an operator: worth a look now and then.
    pollAfterMs: isFinal(status) ? 0 : endsWait(status) ? limits.pollMaxMs : pollAfter(eta),
    durability,
    links: linksOf(text, ticket, publicUrl),
  };
}

/**
 * The body as JSON. That of a ticket on its way is put together by hand, at a fifth of the price of JSON.stringify: its
 * texts are base64url, campaign ids, a URL and words of ours, none of which JSON would escape.
 */
export function ticketJson(body: TicketBody): string {
  if (body.issuance !== undefined || body.problem !== undefined) return JSON.stringify(body);
  const { ticket, campaign, status, seq, ahead, eta, pollAfterMs: after, durability, links } = body;
  const etaJson = `{"known":${eta.known},"p50Ms":${eta.p50Ms},"p90Ms":${eta.p90Ms}}`;
  const place = `"status":"${status}","seq":${seq},"ahead":${ahead},"eta":${etaJson},"pollAfterMs":${after}`;
  const linksJson = `{"self":"${links.self}","campaign":"${links.campaign}"}`;
  return `{"ticket":"${ticket}","campaign":"${campaign}",${place},"durability":"${durability}","links":${linksJson}}`;
}

const pollAfter = (eta: Eta): number => pollAfterMs(eta, limits.pollMinMs, limits.pollMaxMs, Math.random);
