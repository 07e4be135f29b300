// The gate's answer to a join. Refusals are values: a sale that says no works as intended.

export interface Admission {
  seq: number;
  unit: number;
  /** Epoch ms by Redis's clock. */
  admittedAt: number;
  /** Of the ticket; undefined where the gate's epochs say it. */
  epoch?: number;
}

export type Decision =
  | ({ kind: 'admitted' } & Admission)
  | ({ kind: 'known' } & Admission)
  | { kind: 'throttled'; waitMs: number }
  | { kind: 'backlogged' }
  | { kind: 'sold-out' }
  | { kind: 'not-open'; opensAt: number }
  | { kind: 'paused' }
  | { kind: 'ended' }
  /** The caller's deadline had passed when the script ran: nothing was written. */
  | { kind: 'expired' }
  /** The gate was rebuilt a moment ago: whoever holds a ticket that it lost comes first. */
  | { kind: 'recovering' };

export type DecisionKind = Decision['kind'];

export const DECISION_KINDS = [
  'admitted',
  'known',
  'throttled',
  'backlogged',
  'sold-out',
  'not-open',
  'paused',
  'ended',
  'expired',
  'recovering',
] as const satisfies readonly DecisionKind[];
