// A row of the ledger that is to be, and what came of trying.

export interface IssuanceRow {
  campaign: string;
  unit: number;
  user: string;
  seq: number;
  epoch: number;
  code: string;
  /** Epoch ms. */
  admittedAt: number;
}

export type IssueResult =
  | { kind: 'issued' }
  /** The user holds this very unit already: delivered twice. */
  | { kind: 'already' }
  /** The user holds another unit: by another ticket, or by this one, renumbered. The row's own may go back only if free. */
  | { kind: 'duplicate'; unit: number; ownUnitIsFree: boolean }
  /** The user's ticket of this campaign is cancelled. The row's unit may go back only if free. */
  | { kind: 'cancelled'; ownUnitIsFree: boolean }
  /** A dead letter of this user waits for an operator. The row's unit may go back only if free. */
  | { kind: 'kept'; reason: string; ownUnitIsFree: boolean }
  /** Somebody else holds this unit: the ticket needs another one. */
  | { kind: 'unit-taken' }
  /** This row can never be written as it is; the others of the batch were. */
  | { kind: 'bad-row'; reason: BadRowReason; detail: string };

export type BadRowReason = 'malformed' | 'beyond-stock' | 'code-taken' | 'rejected';
