// What a gate decides and tells, whoever keeps it. `redis/` is the one adapter.
//
// Every call rejects with a Fault: `redis-unavailable` and `gate-unverified` are retryable, `gate-missing` says that there is
// no gate, `stale-epoch` that the gate is of another epoch than the caller, `corrupt-state` that what it keeps is unreadable.
// Tags are `userTag(campaign, user)`; seqs and units count from 1; times are epoch ms by the clock of the gate's server.
import type { Campaign } from '../domain/campaign.ts';
import type { Decision } from '../domain/decision.ts';
import type { Fault } from '../domain/fault.ts';
import type { GateView } from '../domain/gate-view.ts';
import type { Ticket } from '../domain/ticket.ts';
import type { CancelAnswer, Exceptional, Outcome, RedriveAnswer, TicketException } from '../domain/ticket-state.ts';
import type { WaitingTickets } from '../domain/waiting.ts';
import type { GateRebuild } from './rebuild-port.ts';
import type { GateStates } from './states-port.ts';

/** One user who wants in; `trace` is a W3C traceparent or ''. */
export interface Join {
  tag: string;
  user: string;
  trace: string;
}

/** What of a gate says where it keeps what; the same for the whole life of a gate. */
export interface GateShape {
  id: string;
  epoch: number;
  shards: number;
  buckets: number;
}

export interface AdmitReply {
  /** Epoch ms by the gate's clock. */
  now: number;
  /** Last seq given out after this batch. */
  seq: number;
  remaining: number;
  /** ms until the token bucket holds a token; 0 when it does. */
  waitMs: number;
  /** One for each join, in their order. */
  decisions: Decision[];
}

/** Where a ticket stands: at `seq` (0: settled before this gate was rebuilt) for `unit` (0: none is left for it). */
export interface TicketStanding {
  seq: number;
  unit: number;
}

export interface Gate {
  /** Decides joins in their order, at most 128; refuses all of them once the gate's clock is past `deadlineMs`. */
  admit(shape: GateShape, joins: readonly Join[], deadlineMs: number): Promise<AdmitReply>;
  /** What became of the ticket of the user with this tag. */
  outcome(shape: GateShape, tag: string): Promise<{ outcome: Outcome; standing: TicketStanding }>;
  /** Gives the holder of a ticket that this gate has lost a place again, or tells the one it has; `trace` as of a join. */
  readmit(shape: GateShape, user: string, ticket: Ticket, trace: string): Promise<TicketStanding>;
  /** `create` only where the ledger says that this campaign never had a gate. */
  project(campaign: Campaign, create: boolean): Promise<'projected' | 'current' | 'missing'>;
  /** Ends a `retrying` exception; one that was issued under its place's unit is none any more. False when somebody else ended it. */
  resolve(shape: GateShape, tag: string, final: Exceptional, returnedUnit?: number): Promise<boolean>;
  /** Takes a unit for a ticket whose own is somebody else's in the ledger; undefined when none is left. */
  takeUnit(campaign: string, epoch: number): Promise<number | undefined>;
  /** Frees a unit that was taken and that nobody was issued. */
  returnUnit(campaign: string, epoch: number, unit: number): Promise<void>;
}

/** The gates of `ids` in that order; undefined for a campaign that has none. */
export type ReadGates = (ids: readonly string[]) => Promise<(GateView | undefined)[]>;

/** The same with a Fault in place of a gate that cannot be read: one whose node is away does not hide the others. */
export type ReadEachGate = (ids: readonly string[]) => Promise<(GateView | Fault | undefined)[]>;

/**
 * The gates of `known` as they are now. One that has not changed since costs a fraction of a reading: its own view comes
 * back, with `readAt` and `clock` as they are now.
 */
export type ReadChangedGates = (known: readonly GateView[]) => Promise<(GateView | Fault | undefined)[]>;

/** What a list of many campaigns shows of a gate. */
export interface GateGlance {
  /** Whether it may sell: it is of the ledger's epoch and verified since its server started. Its streams are not looked at. */
  isOpen: boolean;
  remaining: number;
  backlog: number;
  /** Epoch ms by the clock of its server. */
  readAt: number;
}

export interface GateGlances {
  /** One reading of all; undefined for a campaign that has no gate or whose gate cannot be read. */
  read: (campaigns: readonly Pick<Campaign, 'id' | 'epoch'>[]) => Promise<(GateGlance | undefined)[]>;
  /** Epoch ms at which the oldest ticket that waits was admitted, for each; undefined for none. */
  oldest: (campaigns: readonly Pick<Campaign, 'id' | 'shards'>[]) => Promise<(number | undefined)[]>;
}

/** Yields the tags of all admitted users of a campaign, bucket by bucket. */
export type ReadAdmittedTags = (campaign: string, buckets: number) => AsyncIterable<string[]>;

/** Tags cancelled after the first `known` cancellations of a campaign, oldest first; at most `limits.cancelledTagsToldMax`. */
export type ReadCancelledTags = (campaign: string, known: number) => Promise<string[]>;

/** What the gate found when it was asked to give a ticket back, or did. */
export interface Cancelled {
  state: CancelAnswer;
  /** The seq under which the gate knows it; 0 for what was settled before the gate was rebuilt. */
  place: number;
  /** The unit it holds or held. */
  unit: number;
  /** Who held it, where the entry said so. */
  user: string | undefined;
}

/** Who gave back what. Without their tag (an entry nobody could read) the seq says which ticket it is. */
export interface Returned {
  tag: string | null;
  seq: number;
  /** 0 for none; null for the unit that the gate gave this user. */
  unit: number | null;
}

export interface Returns {
  /** Gives back the place of a user as far as the gate alone may decide it. */
  cancel(shape: GateShape, tag: string): Promise<Cancelled>;
  /** Shows that a ticket is cancelled, and frees its unit; false when that was done before. */
  giveBack(shape: GateShape, returned: Returned): Promise<boolean>;
  /** Turns a failed ticket back into one that is being retried, and says what it is now. */
  redrive(shape: GateShape, tag: string): Promise<RedriveAnswer>;
}

/** The tickets of one shard that were worked on together, as one epoch of their gate gave them out. */
export interface SettledBatch {
  campaign: string;
  /** What an older epoch gave out is not settled under a later one: it may have given the same seqs to others. */
  epoch: number;
  shard: number;
  entries: readonly { readonly seq: number }[];
}

/** Which campaigns have tickets that nobody has settled, in the order in which workers serve them. */
export interface Lines {
  /** All that are in line. */
  campaigns(): Promise<string[]>;
  /** What waits, with the oldest wait: its cost is that of the campaigns in line, not of those that are open. */
  waiting(): Promise<WaitingTickets>;
  /** The tickets of it alone, for a third of the reads. */
  waitingCount(): Promise<number>;
  /** Puts a campaign in line or takes it out, as its gate says; true when it is in line now. */
  check(campaign: string): Promise<boolean>;
  /** Takes it out, whatever its gate says. */
  remove(campaign: string): Promise<void>;
  /** True when it is this worker's turn to compare lines and gates; for `ms` it is nobody else's. */
  takeSweep(holder: string, ms: number): Promise<boolean>;
}

/** The book of what is not settled. It is the gate's, whoever carries the tickets to a worker. */
export interface Settlement {
  /**
   * Says that all work of the batch is committed: its entries are never delivered again, the watermark moves, and what
   * `exceptions` tells of single tickets becomes visible in the same step. Whoever settles an entry, and however often:
   * it counts once, and the first exception stands. Returns how many entries this call settled.
   */
  settle(batch: SettledBatch, exceptions: readonly TicketException[]): Promise<number>;
}

/** Campaigns that somebody asks for while their gate is closed; workers recover these before all others. */
export interface AskedGates {
  note: (campaigns: readonly string[]) => Promise<void>;
  /** Those that were noted and that no worker has taken since; at most `countMax`. */
  take: (countMax: number) => Promise<string[]>;
}

/** A lease that one process holds until it disposes of it, or was silent for too long. */
export interface GateLease extends AsyncDisposable {
  /** Names this holding of the lease: no other one ever has it. */
  readonly token: string;
  /** Aborts when the lease is known to be somebody else's, or could not be renewed for as long as it lasts. */
  readonly lost: AbortSignal;
}

export interface LeaseSpans {
  /** How long the lease outlives its last renewal. */
  leaseMs: number;
  renewMs: number;
}

/** Whose turn it is: saves double work. What must not be done twice is fenced by epoch and builder. */
export interface GateLocks {
  /** The lease of the one builder of this gate; undefined while another builder works. Its token is the fence. */
  lease(campaign: string, holder: string, spans?: LeaseSpans): Promise<GateLease | undefined>;
  /** True when it is this worker's turn to compare the stores: nobody had it, or this worker has it still. For `ms` it is nobody else's. */
  takeTurn(campaign: string, holder: string, ms: number): Promise<boolean>;
}

/** What is in a campaign's work streams. */
export interface StreamFacts {
  /** Entries by shard. */
  lengths: number[];
  /** The highest seq that any stream ever had, strangers' left out. */
  lastSeq: number;
}

/** What waits for a worker, read beside the traffic. */
export interface WorkStreams {
  streamFacts(campaign: Pick<Campaign, 'id' | 'shards'>): Promise<StreamFacts>;
  /** All entries of a shard, as their writer left them: nothing in them is believed yet. `onForeign` takes ids that no gate gives. */
  entries(
    campaign: string,
    shard: number,
    onForeign?: (ids: string[]) => void,
  ): AsyncIterable<{ seq: number; fields: Record<string, string> }[]>;
}

/** All that opens a gate which its server may have forgotten. */
export interface GateBuilder extends GateStates, GateLocks, GateRebuild, WorkStreams, GateContents {}

/** A user whom a gate knows; `seq` is where the ticket stands, 0 when it was settled before the gate was rebuilt. */
export interface RememberedUser {
  tag: string;
  seq: number;
  unit: number;
  /** As it was signed; undefined for a ticket that stands where it was signed. */
  ticket?: { epoch: number; seq: number };
}

/** What a gate knew when it was shut. */
export interface GateCount {
  /** Units that could still be had. */
  leftCount: number;
  /** Tickets that were given out. */
  admittedCount: number;
}

/** The end of a gate whose campaign is over. */
export interface GateEnd {
  /**
   * Shuts it under the epoch `to`, so that no script changes it any more. Undefined, and nothing written, while the
   * campaign goes on, has a ticket open, or has other settings there than here. May be done again.
   */
  shut(campaign: Campaign, to: number): Promise<GateCount | undefined>;
  /** How many keys Redis has of it. */
  countKeys(campaign: GateKeys): Promise<number>;
  /** Deletes them, some at a time; returns how many there were. To be called for an archived campaign alone. */
  deleteKeys(campaign: GateKeys): Promise<number>;
}

/** What says which keys a gate has. */
export type GateKeys = Pick<Campaign, 'id' | 'shards' | 'buckets'>;

/** Everything a gate remembers, read in pieces. */
export interface GateContents {
  users(campaign: string, buckets: number): AsyncIterable<RememberedUser[]>;
  /** By seq, or by tag where the seq is 0. */
  exceptions(campaign: string): Promise<Map<string, Exceptional>>;
  freeUnits(campaign: string): Promise<number[]>;
}
