// Who carries tickets from the gates to a worker, of all campaigns at once. That a ticket is settled is not the carrier's to
// know but the gate's (`Settlement` in `src/gate/port.ts`). Every adapter passes `test/contract/ticket-source.ts`.
//
// Promises of an adapter: entries of a shard arrive in seq order within one worker; an entry that was received and that
// the gate has not settled is received again, by this worker or, once this one may be gone, by another.

/** A ticket as it travels. `fields` holds what the gate wrote, unchecked: an intruder may have written it. */
export interface Entry {
  seq: number;
  fields: Readonly<Record<string, string>>;
}

/** What was taken from one shard of one campaign at a time: never empty, in seq order. */
export interface Batch {
  campaign: string;
  /** The epoch of the gate that gave these entries out: they are issued and settled under it, or not at all. */
  epoch: number;
  shard: number;
  entries: Entry[];
  /** True once another worker may have been given these entries, because this one has had them for so long. */
  mayBeElsewhere: () => boolean;
}

/** One worker's source of tickets. */
export interface TicketSource {
  /**
   * Batches of any campaigns, at most one of each shard, and none of a shard that has one in hand; empty after `waitMs`
   * without work. A batch is in hand until it is released. A campaign that cannot be reached does not hold up the others.
   */
  receive(waitMs: number): Promise<Batch[]>;
  /** Takes a batch out of hand: `settled` in its gate, or `unsettled`, and then its entries are delivered again. */
  release(batch: Batch, how: 'settled' | 'unsettled'): void;
  /** Receives nothing more, and hands over what had been received by then and not been asked for. It may still be released. */
  close(): Promise<Batch[]>;
}
