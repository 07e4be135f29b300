// What a worker needs from a stream of tickets, whoever carries it. Every adapter passes `test/contract/broker.ts`.
//
// Promises of an adapter: entries of a shard arrive in seq order within one consumer; an entry that was received and not
// settled is received again, by the same consumer name first and by another one once it has been silent for the claim
// idle time; settling is idempotent and takes effect once per entry, whoever settles it and how often.
import type { TicketException } from '../domain/ticket-state.ts';

/** A ticket as it travels. `fields` holds what the gate wrote, unchecked: an intruder may have written it. */
export interface Entry {
  seq: number;
  fields: Readonly<Record<string, string>>;
}

/** What one receive took from one shard: at most the consumer's `batchMax` entries, in seq order. */
export interface Batch {
  shard: number;
  entries: Entry[];
  /** True when somebody received these entries before: they may already be in the ledger. */
  redelivered: boolean;
}

export interface Consumer {
  /**
   * Up to one batch for each shard that has none in hand; empty after `waitMs` without work.
   * A batch stays in hand until it is settled or released. Throws a retryable Fault when the carrier is out of reach.
   */
  receive(waitMs: number): Promise<Batch[]>;
  /**
   * Says that all work of the batch is committed: its entries are never delivered again, the watermark moves, and what
   * `exceptions` tells of single tickets becomes visible in the same step. Returns how many entries it settled first.
   */
  settle(batch: Batch, exceptions: readonly TicketException[]): Promise<number>;
  /** Takes the batch out of hand unsettled; it is delivered again. */
  release(batch: Batch): void;
  close(): Promise<void>;
}

export interface ShardLag {
  shard: number;
  /** Entries that no consumer has received yet. */
  undeliveredCount: number;
  /** Entries received and not settled. */
  pendingCount: number;
}

/** The campaign whose entries are consumed, as one generation of its gate gave them out. */
export interface ConsumedCampaign {
  id: string;
  /** Entries received under it are settled under it, or not at all: a later gate may give the same seqs to others. */
  epoch: number;
  shards: number;
}

export interface Broker {
  /** Opens a consumer of all shards of a campaign. One live consumer per name; a restarted one takes up its own entries. */
  consume(campaign: ConsumedCampaign, name: string): Promise<Consumer>;
  lag(campaign: string, shards: number): Promise<ShardLag[]>;
  close(): Promise<void>;
}
