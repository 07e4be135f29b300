// A ticket that will never be issued: given back by its user, or discarded by an operator.
import type { DeadLetterId } from './dead-letter.ts';

export interface Cancellation extends DeadLetterId {
  /** Of its user; null where nobody could read whose it was. */
  tag: string | null;
  /** Null where nobody could read whose it was, or nobody said. */
  user: string | null;
  /** The unit that goes back; 0 for none, null for the one that the gate gave this user. */
  unit: number | null;
  kind: 'cancelled' | 'discarded';
  actor: string;
}

/** A ticket that its user gives back, as far as whoever asks can name it. */
export interface GivenBack {
  campaign: string;
  tag: string;
  user: string | undefined;
  /** The unit it was issued under, or would be. */
  unit: number;
  /** The names it may have in the ledger: as signed, and as the gate knows it now. The first one is that of a new row. */
  names: readonly { epoch: number; seq: number }[];
}
