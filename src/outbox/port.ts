// What the ledger has to tell other services: who was issued a ticket, and whose was cancelled. It is written in the transaction
// that issues or cancels, and leaves the outbox once every service was told. Nothing of it names a buyer.

/** A ticket as other services know it. */
export interface ToldTicket {
  /** Of the campaign: its number on the shelf. */
  unit: number;
  /** Name the ticket within its campaign, as the buyer's signed ticket does. */
  epoch: number;
  seq: number;
  /** SHA-256 of the coupon code, in hex: who is shown a code finds its ticket, and who reads this learns no code. */
  codeSha256: string;
}

export interface OutboxEntry {
  /** Grows: of one ticket, what happened later has the higher number. A number is never used twice. */
  id: number;
  campaign: string;
  what: 'issued' | 'cancelled';
  tickets: readonly ToldTicket[];
  /** When the ledger wrote it, ms since the epoch. */
  at: number;
}

export interface OutboxSize {
  /** Entries that no service was told of yet; each has 1 to 500 tickets. */
  entries: number;
  /** ms since the oldest of them was written; 0 for none. */
  oldestMs: number;
}

export interface Outbox {
  /** Up to `limit` entries, the oldest first. What is written later may still get a lower number, never of the same ticket. */
  oldest(limit: number): Promise<OutboxEntry[]>;
  /** They were told. */
  remove(ids: readonly number[]): Promise<void>;
  size(): Promise<OutboxSize>;
  /** Removes what is older, told or not; returns how many. */
  removeOlder(ms: number): Promise<number>;
}

/** Tells a service; once it resolves, that service has all of them. It may be told the same again. */
export type Publish = (entries: readonly OutboxEntry[]) => Promise<void>;
