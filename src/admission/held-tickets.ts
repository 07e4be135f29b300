// Tickets that this front has verified or signed, kept for their next poll, and what memory says of each.
import { type GateView, placeOf } from '../domain/gate-view.ts';
import { type Ticket, type TicketKeys, verifyTicket } from '../domain/ticket.ts';
import { limits } from '../process/limits.ts';
import type { CampaignMemory } from './campaign-memory.ts';
import type { TicketBody } from './ticket-body.ts';

/** A ticket whose signature was checked, or is our own, with what is already known for good about it. */
export interface HeldTicket {
  text: string;
  ticket: Ticket;
  /** How it ended, as the gate of that epoch told it: after Redis or the ledger lost something it is asked again. */
  final?: { epoch: number; body: TicketBody };
  /** How it ended, as the ledger told it once its campaign was archived; asked again from `until` on, by the front's clock. */
  archived?: { body: TicketBody; until: number };
  /** Where a ticket of an earlier epoch stands in this one; what its own seq says is no longer true. */
  standing?: { epoch: number; seq: number };
  /** It got its place back, and no replica has confirmed that yet. */
  isUnconfirmed?: boolean;
  /** The traceparent of its join, where this front decided that and records its trace. */
  trace?: string;
  pollCount: number;
  pollWindowAt: number;
}

export interface HeldTickets {
  /** The ticket behind a text, or undefined when it is forged, truncated or signed with an unknown key. */
  hold: (text: string) => HeldTicket | undefined;
  /** A ticket that this front has signed itself. */
  holdOwn: (text: string, ticket: Ticket) => HeldTicket;
}

/** Keeps up to `limits.verifiedTicketsMax` of them: two generations bound it without moving an entry on every hit. */
export function createHeldTickets(ticketKeys: TicketKeys): HeldTickets {
  let young = new Map<string, HeldTicket>();
  let old = new Map<string, HeldTicket>();

  function remember(held: HeldTicket): HeldTicket {
    if (young.size >= limits.verifiedTicketsMax / 2) [young, old] = [new Map(), young];
    young.set(held.text, held);
    return held;
  }

  function recall(text: string): HeldTicket | undefined {
    const recent = young.get(text);
    if (recent) return recent;
    const older = old.get(text);
    return older && remember(older);
  }

  const begin = (text: string, ticket: Ticket): HeldTicket => remember({ text, ticket, pollCount: 0, pollWindowAt: 0 });

  return {
    hold(text) {
      const known = recall(text);
      if (known) return known;
      const ticket = verifyTicket(ticketKeys, text);
      return ticket && begin(text, ticket);
    },
    holdOwn: (text, ticket) => recall(text) ?? begin(text, ticket),
  };
}

/** The seq at which a ticket stands in the present epoch; undefined when that has to be asked. */
export function standingOf({ ticket, standing }: HeldTicket, view: GateView): number | undefined {
  if (ticket.epoch === view.epoch) return ticket.seq;
  return standing?.epoch === view.epoch ? standing.seq : undefined;
}

/** Whether memory says that it waits for a worker. */
export function isWaiting(held: HeldTicket, { view, cancelled }: CampaignMemory): boolean {
  const seq = standingOf(held, view);
  return seq !== undefined && seq > 0 && placeOf(view, seq) === 'waiting' && !cancelled.has(held.ticket.tag);
}

/**
 * Whether what was known for good still is. Who gave back is told so, whatever was known before; a campaign that is not in
 * memory has to be read for that. After a new epoch it is asked again: Redis or the ledger may have lost something. That
 * goes for a cancellation, too: one that the ledger did not get is forgotten by an old Redis.
 */
export function isStill(
  { epoch, body }: NonNullable<HeldTicket['final']>,
  memory: CampaignMemory | undefined,
  tag: string,
) {
  if (memory?.view.epoch !== epoch) return false;
  return body.status === 'cancelled' || !memory.cancelled.has(tag);
}
