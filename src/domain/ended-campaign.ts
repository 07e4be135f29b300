// A campaign without a gate, as a front knows it from the ledger.
import type { Ticket } from './ticket.ts';

export interface EndedCampaign {
  name: string;
  opensAt: number | null;
  closesAt: number | null;
  stock: number;
  /** Units that could still be had when it was archived. */
  leftCount: number;
  /** Its rows leave the ledger, or have left it: no ticket of it is known any more. */
  isPurged: boolean;
}

/** What became of a ticket of an archived campaign; `lost` when the ledger has no trace of it. */
export type EndedTicket =
  | { status: 'issued'; unit: number; code: string }
  | { status: 'cancelled' }
  | { status: 'failed'; reason: string }
  | { status: 'lost' };

/** A ticket, and who asks where that is known. */
export type AskedTicket = Pick<Ticket, 'campaign' | 'epoch' | 'seq' | 'unit' | 'tag'> & { user: string | undefined };
