// What the gate's outcome of a ticket becomes for its holder.
import { spanClock } from '../domain/clock.ts';
import { couponCode } from '../domain/coupon.ts';
import { type Outcome, toldOf } from '../domain/ticket-state.ts';
import type { CampaignMemory } from './campaign-memory.ts';
import { type HeldTicket, standingOf } from './held-tickets.ts';
import { failure, isFinal, type TicketBody, ticketBody } from './ticket-body.ts';

export type TicketOutcomesDeps = Parameters<typeof ticketBody>[5] & { couponKey: Buffer };

export interface TicketOutcomes {
  /** The body of a ticket that is in this status now. */
  body: (held: HeldTicket, status: TicketBody['status'], memory: CampaignMemory) => TicketBody;
  /** The body that says this outcome; `unit` is the one it stands for. What is final is kept with the ticket. */
  bodyOf: (held: HeldTicket, memory: CampaignMemory, outcome: Outcome, unit: number) => TicketBody;
}

export function createTicketOutcomes(deps: TicketOutcomesDeps): TicketOutcomes {
  const body = (held: HeldTicket, status: TicketBody['status'], memory: CampaignMemory): TicketBody => {
    const place = standingOf(held, memory.view) ?? 0;
    return ticketBody(held.text, held.ticket, place, status, memory, deps, spanClock());
  };

  function ended(held: HeldTicket, { view }: CampaignMemory, final: TicketBody): TicketBody {
    held.final = { epoch: view.epoch, body: final };
    return final;
  }

  function issuedBody(held: HeldTicket, memory: CampaignMemory, unit: number): TicketBody {
    const code = couponCode(deps.couponKey, held.ticket.campaign, unit, held.ticket.tag);
    return ended(held, memory, { ...body(held, 'issued', memory), issuance: { code, unit } });
  }

  function bodyOf(held: HeldTicket, memory: CampaignMemory, outcome: Outcome, unit: number): TicketBody {
    const status = toldOf(outcome);
    if (status === 'issued') return issuedBody(held, memory, 'unit' in outcome ? outcome.unit : unit);
    const told = body(held, status, memory);
    if ('reason' in outcome) return { ...told, problem: failure(outcome.reason) };
    return isFinal(status) ? ended(held, memory, told) : told;
  }

  return { body, bodyOf };
}
