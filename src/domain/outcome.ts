// What became of a ticket. Only what differs from "issued as promised" is ever written down beside the watermark.

export type TicketStatus = 'queued' | 'retrying' | 'issued' | 'failed' | 'cancelled';

/** An outcome that the watermark alone cannot tell. */
export type Exceptional =
  /** Issued, but the ledger holds another unit for this user than the ticket promised. */
  | { status: 'issued'; unit: number }
  | { status: 'retrying' }
  /** Being retried and given back meanwhile: the retrier will cancel it instead of issuing it. */
  | { status: 'cancelling' }
  | { status: 'failed'; reason: string }
  | { status: 'cancelled' };

export interface TicketException {
  seq: number;
  outcome: Exceptional;
  /** A unit that goes back to the free list with this outcome: given once, with the ack of the entry. */
  returnedUnit?: number;
}

/** One line of text for one outcome, the form kept in Redis: `issued:7`, `retrying:`, `cancelling:`, `failed:reason`, `cancelled:`. */
export function encodeOutcome(outcome: Exceptional): string {
  if (outcome.status === 'issued') return `issued:${outcome.unit}`;
  return outcome.status === 'failed' ? `failed:${outcome.reason}` : `${outcome.status}:`;
}

/** Reads what {@link encodeOutcome} wrote; throws on anything else, because a guess would lie to a buyer. */
export function decodeOutcome(text: string): Exceptional {
  const colon = text.indexOf(':');
  const status = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (status === 'issued' && /^[1-9][0-9]*$/.test(rest)) return { status, unit: Number(rest) };
  if (status === 'failed') return { status, reason: rest };
  if (status === 'retrying' || status === 'cancelling' || status === 'cancelled') return { status };
  throw new Error(`unreadable outcome: ${text.slice(0, 40)}`);
}
