// Tickets: handing them out, and telling what became of them, from memory wherever memory knows.
import type { Clock } from '../domain/clock.ts';
import { couponCode } from '../domain/coupon.ts';
import type { Admission } from '../domain/decision.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { placeOf } from '../domain/gate-view.ts';
import { signTicket, type Ticket, type TicketKeys, verifyTicket } from '../domain/ticket.ts';
import { pause } from '../lifecycle.ts';
import { limits } from '../limits.ts';
import type { Gate, Outcome } from '../redis/gate.ts';
import type { CampaignMemory } from './campaign-memory.ts';
import type { Campaigns } from './campaigns.ts';
import { isFinal, type TicketBody, ticketBody } from './ticket-body.ts';

export interface TicketsDeps {
  gate: Pick<Gate, 'outcome'>;
  campaigns: Campaigns;
  ticketKeys: TicketKeys;
  couponKey: Buffer;
  durability: string;
  /** Polls of one ticket per second; 0 for no quota. */
  pollsPerSecond: number;
  clock: Clock;
}

/** A ticket whose signature was checked, with what is already known for good about it. */
export interface HeldTicket {
  text: string;
  ticket: Ticket;
  final?: TicketBody;
  pollCount: number;
  pollWindowAt: number;
}

export interface Tickets {
  /** The signed ticket of an admission, and its body as of now. */
  handOut(memory: CampaignMemory, admission: Admission, tag: string): TicketBody;
  /** The ticket behind a text, or undefined when it is forged, truncated or signed with an unknown key. No I/O. */
  hold(text: string): HeldTicket | undefined;
  /** Counts a poll; false when this ticket is asked for too often. */
  mayPoll(held: HeldTicket): boolean;
  pollsPerSecond: number;
  /** What memory knows of it: where it waits, or how it ended. Undefined when Redis has to be asked. */
  peek(held: HeldTicket): TicketBody | undefined;
  /** What became of it; undefined for a ticket of a campaign we do not know. Throws a retryable Fault when unknown. */
  status(held: HeldTicket): Promise<TicketBody | undefined>;
  /** Waits until the status differs from `seen`, or `waitMs`, or `gone` aborts. */
  untilChanged(held: HeldTicket, seen: TicketBody, waitMs: number, gone: AbortSignal): Promise<TicketBody>;
  /** Clients waiting in {@link untilChanged}. */
  waiterCount(): number;
}

export function createTickets(deps: TicketsDeps): Tickets {
  // Two generations make a bounded cache without moving an entry on every hit.
  let young = new Map<string, HeldTicket>();
  let old = new Map<string, HeldTicket>();
  let waiterCount = 0;

  function remember(held: HeldTicket): HeldTicket {
    if (young.size >= limits.verifiedTicketsMax / 2) [young, old] = [new Map(), young];
    young.set(held.text, held);
    return held;
  }

  function hold(text: string): HeldTicket | undefined {
    const recent = young.get(text);
    if (recent) return recent;
    const older = old.get(text);
    if (older) return remember(older);
    const ticket = verifyTicket(deps.ticketKeys, text);
    return ticket && remember({ text, ticket, pollCount: 0, pollWindowAt: 0 });
  }

  const body = (held: HeldTicket, status: TicketBody['status'], memory: CampaignMemory): TicketBody =>
    ticketBody(held.text, held.ticket, status, memory, deps.durability, deps.clock());

  function settledBody(held: HeldTicket, memory: CampaignMemory, unit: number): TicketBody {
    const code = couponCode(deps.couponKey, held.ticket.campaign, unit, held.ticket.tag);
    held.final = { ...body(held, 'issued', memory), issuance: { code, unit } };
    return held.final;
  }

  function bodyOf(held: HeldTicket, memory: CampaignMemory, outcome: Outcome): TicketBody {
    switch (outcome.status) {
      case 'queued':
      case 'retrying':
        return body(held, outcome.status, memory);
      case 'cancelling':
        return body(held, 'retrying', memory);
      case 'settled':
        return settledBody(held, memory, held.ticket.unit);
      case 'issued':
        return settledBody(held, memory, outcome.unit);
      case 'cancelled':
        held.final = body(held, 'cancelled', memory);
        return held.final;
      case 'failed':
        return {
          ...body(held, 'failed', memory),
          problem: { type: 'urn:problem-type:sluice:issuance-failed', title: outcome.reason },
        };
      case 'lost':
        throw new Fault('gate-missing', 'the gate does not remember this ticket', { retryable: true });
    }
  }

  function peek(held: HeldTicket): TicketBody | undefined {
    const { campaign, epoch, seq, tag } = held.ticket;
    const memory = deps.campaigns.peek(campaign);
    // Who gave back is told so, whatever was known before; a campaign that is not in memory has to be read for that.
    if (held.final && (held.final.status === 'cancelled' || memory?.cancelled.has(tag) === false)) return held.final;
    if (memory?.cancelled.has(tag)) return undefined;
    const waits = memory?.view.epoch === epoch && placeOf(memory.view, seq) === 'waiting';
    return waits ? body(held, 'queued', memory) : undefined;
  }

  async function status(held: HeldTicket): Promise<TicketBody | undefined> {
    const { campaign } = held.ticket;
    const memory = await deps.campaigns.get(campaign).catch((error: unknown) => {
      if (held.final === undefined) throw error;
      return undefined;
    });
    if (memory === undefined && held.final) return held.final;
    const known = peek(held);
    if (known !== undefined || memory === undefined) return known;
    try {
      return bodyOf(held, memory, await deps.gate.outcome(memory.view, held.ticket));
    } catch (error) {
      if (isFault(error, 'stale-epoch')) await deps.campaigns.refresh(campaign).catch(() => undefined);
      throw error;
    }
  }

  async function untilChanged(
    held: HeldTicket,
    seen: TicketBody,
    waitMs: number,
    gone: AbortSignal,
  ): Promise<TicketBody> {
    const until = deps.clock() + waitMs;
    let last = seen;
    waiterCount += 1;
    try {
      while (last.status === seen.status && !isFinal(last.status) && !gone.aborted && deps.clock() < until) {
        await nextReading(deps.campaigns, Math.min(until - deps.clock(), limits.pollMinMs), gone);
        const memory = deps.campaigns.peek(held.ticket.campaign);
        const isCancelled = memory?.cancelled.has(held.ticket.tag) === true;
        const waits = memory !== undefined && placeOf(memory.view, held.ticket.seq) === 'waiting';
        if (seen.status === 'queued' && waits && !isCancelled) continue;
        last = (await status(held)) ?? last;
        // The question went to Redis: with many waiters in the window it must not go there on every reading.
        if (last.status === seen.status) await pause(limits.pollMinMs / 4, gone);
      }
      return (await status(held)) ?? last;
    } finally {
      waiterCount -= 1;
    }
  }

  return {
    handOut(memory, { seq, unit, admittedAt }, tag) {
      const ticket: Ticket = { campaign: memory.view.id, epoch: memory.view.epoch, seq, unit, admittedAt, tag };
      return ticketBody(signTicket(deps.ticketKeys, ticket), ticket, 'queued', memory, deps.durability, deps.clock());
    },
    hold,
    pollsPerSecond: deps.pollsPerSecond,
    mayPoll(held) {
      const now = deps.clock();
      if (now - held.pollWindowAt >= 1_000) {
        held.pollWindowAt = now;
        held.pollCount = 0;
      }
      held.pollCount += 1;
      return deps.pollsPerSecond === 0 || held.pollCount <= deps.pollsPerSecond;
    },
    peek,
    status,
    untilChanged,
    waiterCount: () => waiterCount,
  };
}

/** Resolves after the next reading of the gates, `waitMs` or `gone`, whichever comes first. */
function nextReading(campaigns: Campaigns, waitMs: number, gone: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const stop = campaigns.onReading(() => ended.abort());
  return pause(waitMs, AbortSignal.any([ended.signal, gone])).finally(stop);
}
