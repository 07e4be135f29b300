// Tickets: handing them out, and telling what became of them, from memory wherever memory knows.
import { spanClock } from '../domain/clock.ts';
import { couponCode } from '../domain/coupon.ts';
import type { Admission } from '../domain/decision.ts';
import { epochAt } from '../domain/epochs.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { type GateView, placeOf } from '../domain/gate-view.ts';
import { signTicket, type Ticket, type TicketKeys, verifyTicket } from '../domain/ticket.ts';
import { type Outcome, toldOf } from '../domain/ticket-state.ts';
import type { Gate } from '../gate/port.ts';
import { limits } from '../process/limits.ts';
import type { ReplicaBarrier } from '../redis/replica-barrier.ts';
import type { CampaignMemory } from './campaign-memory.ts';
import type { Campaigns } from './campaigns.ts';
import { isFinal, type TicketBody, ticketBody } from './ticket-body.ts';

export interface TicketsDeps {
  gate: Pick<Gate, 'outcome' | 'readmit'>;
  /** With it, who gets a place back hears of it once a replica has it. */
  barrier?: Pick<ReplicaBarrier, 'begin'> | undefined;
  campaigns: Campaigns;
  ticketKeys: TicketKeys;
  couponKey: Buffer;
  durability: string;
  /** Where buyers reach the front, if that is not its own address: links begin with it. */
  publicUrl?: string | undefined;
  /** Polls of one ticket per second; 0 for no quota. */
  pollsPerSecond: number;
}

/** A ticket whose signature was checked, with what is already known for good about it. */
export interface HeldTicket {
  text: string;
  ticket: Ticket;
  /** How it ended, as the gate of that epoch told it: after Redis or the ledger lost something it is asked again. */
  final?: { epoch: number; body: TicketBody };
  /** Where a ticket of an earlier epoch stands in this one; what its own seq says is no longer true. */
  standing?: { epoch: number; seq: number };
  /** It got its place back, and no replica has confirmed that yet. */
  isUnconfirmed?: boolean;
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
  /**
   * What became of it; undefined for a ticket of a campaign we do not know. A ticket that Redis has lost gets its place
   * back, which needs its `user`: throws `unidentified` when nobody says who that is, a retryable Fault when unknown.
   */
  status(held: HeldTicket, user: string | undefined): Promise<TicketBody | undefined>;
}

const FAILED = 'urn:problem-type:sluice:issuance-failed';

export function createTickets(deps: TicketsDeps): Tickets {
  // Two generations make a bounded cache without moving an entry on every hit.
  let young = new Map<string, HeldTicket>();
  let old = new Map<string, HeldTicket>();

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
    if ('reason' in outcome) return { ...told, problem: { type: FAILED, title: outcome.reason } };
    return isFinal(status) ? ended(held, memory, told) : told;
  }

  function peek(held: HeldTicket): TicketBody | undefined {
    const memory = deps.campaigns.peek(held.ticket.campaign);
    if (held.final && isStill(held.final, memory, held.ticket.tag)) return held.final.body;
    const waits = memory !== undefined && isWaiting(held, memory);
    return waits ? body(held, 'queued', memory) : undefined;
  }

  /** What the gate says of it, after it got its place back where the gate had lost it. */
  async function ask(held: HeldTicket, user: string | undefined, view: GateView) {
    const confirm = deps.barrier?.begin(view.id);
    let told = await deps.gate.outcome(view, held.ticket.tag);
    if (told.outcome.status === 'lost') {
      if (user === undefined) throw new Fault('unidentified', 'the place of this ticket was lost');
      held.isUnconfirmed = confirm !== undefined;
      told = { ...told, standing: await deps.gate.readmit(view, user, held.ticket) };
    }
    if (held.isUnconfirmed) await confirm?.();
    held.isUnconfirmed = false;
    return told;
  }

  async function status(held: HeldTicket, user: string | undefined): Promise<TicketBody | undefined> {
    const { campaign } = held.ticket;
    const memory = await deps.campaigns.get(campaign).catch((error: unknown) => {
      if (held.final === undefined) throw error;
      return undefined;
    });
    if (memory === undefined && held.final) return held.final.body;
    const known = peek(held);
    if (known !== undefined || memory === undefined) return known;
    try {
      const { view } = memory;
      const { outcome, standing } = await ask(held, user, view);
      held.standing = { epoch: view.epoch, seq: standing.seq };
      return bodyOf(held, memory, outcome, standing.unit);
    } catch (error) {
      if (isFault(error, 'stale-epoch')) await deps.campaigns.refresh(campaign).catch(() => undefined);
      throw error;
    }
  }

  return {
    handOut(memory, { seq, unit, admittedAt, epoch }, tag) {
      const { view } = memory;
      const ticketEpoch = epoch ?? epochAt(view.epochs, seq) ?? view.epoch;
      const ticket: Ticket = { campaign: view.id, epoch: ticketEpoch, seq, unit, admittedAt, tag };
      const text = signTicket(deps.ticketKeys, ticket);
      return ticketBody(text, ticket, seq, 'queued', memory, deps, spanClock());
    },
    hold,
    pollsPerSecond: deps.pollsPerSecond,
    mayPoll(held) {
      const now = spanClock();
      if (now - held.pollWindowAt >= 1_000) {
        held.pollWindowAt = now;
        held.pollCount = 0;
      }
      held.pollCount += 1;
      return deps.pollsPerSecond === 0 || held.pollCount <= deps.pollsPerSecond;
    },
    peek,
    status,
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
 * memory has to be read for that. After a new epoch it is asked again: Redis or the ledger may have lost something.
 */
function isStill({ epoch, body }: NonNullable<HeldTicket['final']>, memory: CampaignMemory | undefined, tag: string) {
  if (body.status === 'cancelled') return true;
  return memory !== undefined && memory.view.epoch === epoch && !memory.cancelled.has(tag);
}
