// Tickets: handing them out, and telling what became of them, from memory wherever memory knows.
import { spanClock } from '../domain/clock.ts';
import type { Admission } from '../domain/decision.ts';
import { epochAt } from '../domain/epochs.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { GateView } from '../domain/gate-view.ts';
import { signTicket, type Ticket, type TicketKeys } from '../domain/ticket.ts';
import type { Gate } from '../gate/port.ts';
import type { ReplicaBarrier } from '../redis/replica-barrier.ts';
import { inReadmissionSpan } from '../telemetry/ticket-trace.ts';
import type { CampaignMemory } from './campaign-memory.ts';
import type { Campaigns } from './campaigns.ts';
import { createEndedTickets, type EndsSource } from './ended-campaigns.ts';
import { createHeldTickets, type HeldTicket, isStill, isWaiting } from './held-tickets.ts';
import { mayPoll } from './poll-quota.ts';
import { type TicketBody, ticketBody } from './ticket-body.ts';
import { createTicketOutcomes } from './ticket-outcomes.ts';

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
  /** What became of a ticket whose campaign is archived, by the ledger. */
  findTicket: EndsSource['findTicket'];
}

export interface Tickets {
  /** The signed ticket of an admission, and its body as of now; held for its polls where the join is traced. */
  handOut(memory: CampaignMemory, admission: Admission, tag: string, traceparent?: string): TicketBody;
  /** The same ticket of a user whom the gate knows already, held for what becomes of it. */
  holdOwn(memory: CampaignMemory, admission: Admission, tag: string, traceparent?: string): HeldTicket;
  /** The ticket behind a text, or undefined when it is forged, truncated or signed with an unknown key. No I/O. */
  hold(text: string): HeldTicket | undefined;
  /** Counts a poll; false when this ticket is asked for too often. */
  mayPoll(held: HeldTicket): boolean;
  pollsPerSecond: number;
  /** What memory knows of it: where it waits, or how it ended. Undefined when Redis has to be asked. */
  peek(held: HeldTicket): TicketBody | undefined;
  /**
   * What became of it, by the ledger where its campaign is archived; undefined for a ticket of a campaign we do not know. A ticket that Redis has lost gets its place
   * back, which needs its `user`: throws `unidentified` when nobody says who that is, a retryable Fault when unknown.
   */
  status(held: HeldTicket, user: string | undefined): Promise<TicketBody | undefined>;
}

export function createTickets(deps: TicketsDeps): Tickets {
  const { hold, holdOwn } = createHeldTickets(deps.ticketKeys);
  const { body, bodyOf } = createTicketOutcomes(deps);
  const endedTicket = createEndedTickets(deps);

  function peek(held: HeldTicket): TicketBody | undefined {
    const memory = deps.campaigns.peek(held.ticket.campaign);
    if (held.final && isStill(held.final, memory, held.ticket.tag)) return held.final.body;
    const waits = memory !== undefined && isWaiting(held, memory);
    return waits ? body(held, 'queued', memory) : undefined;
  }

  async function status(held: HeldTicket, user: string | undefined): Promise<TicketBody | undefined> {
    const { campaign } = held.ticket;
    const memory = await deps.campaigns.get(campaign, true).catch((error: unknown) => {
      if (isFault(error, 'archived')) return 'archived' as const;
      if (held.final === undefined || isFault(error, 'purged')) throw error;
      return undefined;
    });
    if (memory === 'archived') return endedTicket(held, user);
    if (memory === undefined && held.final) return held.final.body;
    const known = peek(held);
    if (known !== undefined || memory === undefined) return known;
    try {
      const { view } = memory;
      const { outcome, standing } = await ask(deps, held, user, view);
      held.standing = { epoch: view.epoch, seq: standing.seq };
      return bodyOf(held, memory, outcome, standing.unit);
    } catch (error) {
      // The gate may have been deleted since it was read, or be an old one that was put back.
      if (isOfAnotherGate(error) && (await deps.campaigns.hasEnded(campaign).catch(() => false)))
        return endedTicket(held, user);
      if (isFault(error, 'stale-epoch')) await deps.campaigns.refresh(campaign).catch(() => undefined);
      throw error;
    }
  }

  return {
    handOut(memory, admission, tag, traceparent = '') {
      const ticket = ticketOf(memory.view, admission, tag);
      const text = signTicket(deps.ticketKeys, ticket);
      if (traceparent !== '') holdOwn(text, ticket).trace ??= traceparent;
      return ticketBody(text, ticket, admission.seq, 'queued', memory, deps, spanClock());
    },
    holdOwn(memory, admission, tag, traceparent = '') {
      const ticket = ticketOf(memory.view, admission, tag);
      const held = holdOwn(signTicket(deps.ticketKeys, ticket), ticket);
      if (traceparent !== '') held.trace ??= traceparent;
      return held;
    },
    hold,
    pollsPerSecond: deps.pollsPerSecond,
    mayPoll: (held) => mayPoll(held, deps.pollsPerSecond),
    peek,
    status,
  };
}

const isOfAnotherGate = (error: unknown): boolean =>
  isFault(error, 'stale-epoch') || isFault(error, 'gate-missing') || isFault(error, 'gate-unverified');

/** What the gate says of it, after it got its place back where the gate had lost it. */
async function ask(deps: TicketsDeps, held: HeldTicket, user: string | undefined, view: GateView) {
  const confirm = deps.barrier?.begin(view.id);
  let told = await deps.gate.outcome(view, held.ticket.tag);
  if (told.outcome.status === 'lost') {
    if (user === undefined) throw new Fault('unidentified', 'the gate lost the place of this ticket');
    held.isUnconfirmed = confirm !== undefined;
    const readmit = (trace: string) => deps.gate.readmit(view, user, held.ticket, trace);
    told = { ...told, standing: await inReadmissionSpan(view, readmit) };
  }
  if (held.isUnconfirmed) await confirm?.();
  held.isUnconfirmed = false;
  return told;
}

/** What the signed ticket of an admission says. */
function ticketOf(view: GateView, { seq, unit, admittedAt, epoch }: Admission, tag: string): Ticket {
  const ticketEpoch = epoch ?? epochAt(view.epochs, seq) ?? view.epoch;
  return { campaign: view.id, epoch: ticketEpoch, seq, unit, admittedAt, tag };
}
