// Tickets: handing them out, and telling what became of them, from memory wherever memory knows.
import { spanClock } from '../domain/clock.ts';
import { couponCode } from '../domain/coupon.ts';
import type { Admission } from '../domain/decision.ts';
import { epochAt } from '../domain/epochs.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { aheadOf, type GateView, placeOf } from '../domain/gate-view.ts';
import { signTicket, type Ticket, type TicketKeys, verifyTicket } from '../domain/ticket.ts';
import { pause } from '../lifecycle.ts';
import { limits } from '../limits.ts';
import type { Gate, Outcome } from '../redis/gate.ts';
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

export interface Patience {
  /** A change of status is told at once, its absence after this long. */
  waitMs: number;
  /** Another place counts as a change from then on; never where it is not given. */
  placeAfterMs?: number;
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
  /** Waits until something differs from `seen`, or for as long as `patience` says, or `gone` aborts. */
  untilChanged(
    held: HeldTicket,
    user: string | undefined,
    seen: TicketBody,
    patience: Patience,
    gone: AbortSignal,
  ): Promise<TicketBody>;
  /** Counts a client that waits, until it is disposed of; undefined when as many wait as may. */
  startWaiting(): Disposable | undefined;
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

  const body = (held: HeldTicket, status: TicketBody['status'], memory: CampaignMemory): TicketBody => {
    const place = standingOf(held, memory.view) ?? 0;
    return ticketBody(held.text, held.ticket, place, status, memory, deps, spanClock());
  };

  function ended(held: HeldTicket, { view }: CampaignMemory, final: TicketBody): TicketBody {
    held.final = { epoch: view.epoch, body: final };
    return final;
  }

  function settledBody(held: HeldTicket, memory: CampaignMemory, unit: number): TicketBody {
    const code = couponCode(deps.couponKey, held.ticket.campaign, unit, held.ticket.tag);
    return ended(held, memory, { ...body(held, 'issued', memory), issuance: { code, unit } });
  }

  function bodyOf(held: HeldTicket, memory: CampaignMemory, outcome: Outcome, unit: number): TicketBody {
    switch (outcome.status) {
      case 'queued':
      case 'retrying':
        return body(held, outcome.status, memory);
      case 'cancelling':
        return body(held, 'retrying', memory);
      case 'settled':
        return settledBody(held, memory, unit);
      case 'issued':
        return settledBody(held, memory, outcome.unit);
      case 'cancelled':
        return ended(held, memory, body(held, 'cancelled', memory));
      case 'failed':
        return {
          ...body(held, 'failed', memory),
          problem: { type: 'urn:problem-type:sluice:issuance-failed', title: outcome.reason },
        };
      case 'lost':
        return body(held, 'queued', memory);
    }
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

  async function untilChanged(
    held: HeldTicket,
    user: string | undefined,
    seen: TicketBody,
    { waitMs, placeAfterMs = Number.POSITIVE_INFINITY }: Patience,
    gone: AbortSignal,
  ): Promise<TicketBody> {
    const startedAt = spanClock();
    const leftMs = () => startedAt + waitMs - spanClock();
    const isSame = (ahead: number) => ahead === seen.ahead || spanClock() < startedAt + placeAfterMs;
    const isAsSeen = () => {
      const memory = deps.campaigns.peek(held.ticket.campaign);
      if (seen.status !== 'queued' || memory === undefined || !isWaiting(held, memory)) return false;
      return isSame(aheadOf(memory.view, standingOf(held, memory.view)!));
    };
    // The question goes to Redis: with many waiters in the window it must not go there on every reading.
    const restMs = seen.status === 'failed' ? limits.pollMaxMs : limits.pollMinMs / 4;
    let last = seen;
    while (last.status === seen.status && isSame(last.ahead) && !isFinal(last.status) && !gone.aborted) {
      if (leftMs() <= 0) break;
      await nextReading(deps.campaigns, isAsSeen, isAsSeen() ? leftMs() : Math.min(leftMs(), limits.pollMinMs), gone);
      if (isAsSeen()) continue;
      last = (await status(held, user)) ?? last;
      if (last.status === seen.status && isSame(last.ahead)) await pause(Math.min(restMs, leftMs()), gone);
    }
    return (await status(held, user)) ?? last;
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
    untilChanged,
    startWaiting() {
      if (waiterCount >= limits.waitersMax) return undefined;
      waiterCount += 1;
      return {
        [Symbol.dispose]: () => {
          waiterCount -= 1;
        },
      };
    },
    waiterCount: () => waiterCount,
  };
}

/** The seq at which a ticket stands in the present epoch; undefined when that has to be asked. */
function standingOf({ ticket, standing }: HeldTicket, view: GateView): number | undefined {
  if (ticket.epoch === view.epoch) return ticket.seq;
  return standing?.epoch === view.epoch ? standing.seq : undefined;
}

function isWaiting(held: HeldTicket, { view, cancelled }: CampaignMemory): boolean {
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

/**
 * Resolves after the next reading of the gates that tells something, `waitMs` or `gone`, whichever comes first. A reading
 * comes ten times a second and most tell a waiter nothing: 20,000 waiters that woke up each time would take all of a core.
 */
function nextReading(campaigns: Campaigns, isAsSeen: () => boolean, waitMs: number, gone: AbortSignal): Promise<void> {
  if (gone.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop();
      gone.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    const stop = campaigns.onReading(() => {
      if (!isAsSeen()) done();
    });
    gone.addEventListener('abort', done, { once: true });
  });
}
