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
  /** This very ticket stands already: delivered twice. */
  | { kind: 'already' }
  /** This user holds `unit` by another ticket. */
  | { kind: 'duplicate'; unit: number }
  /** Somebody else holds the row's unit. */
  | { kind: 'unit-taken' }
  | { kind: 'bad-row'; reason: string };
