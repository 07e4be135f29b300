// A ticket that was given up: what is kept of it, and what a person may do with it.

/** The name of a dead letter, and of its ticket. */
export interface DeadLetterId {
  campaign: string;
  epoch: number;
  seq: number;
}

/**
 * - `kept`: waits for a person.
 * - `redriving`: claimed by a redrive that has not handed it over yet.
 * - `redriven`: being retried, or issued since; kept again when it fails again.
 * - `discarded`: given up for good; its unit went back.
 */
export const LETTER_STATES = ['kept', 'redriving', 'redriven', 'discarded'] as const;
export type LetterState = (typeof LETTER_STATES)[number];

export interface DeadLetter extends DeadLetterId {
  unit?: number | null;
  user?: string | null;
  /** Epoch ms. */
  admittedAt?: number | null;
  /** A stable slug; see failure.ts. */
  reason: string;
  detail?: string;
  attempts: number;
  traceId?: string | null;
  /** The span in which it was given up. */
  spanId?: string | null;
  /** The entry as it was found, when it could not be read. */
  raw?: string | null;
  /** How often it had been redriven when these attempts began. */
  redriveCount?: number;
}

/** What stands once a dead letter was to be kept. */
export type Keeping =
  /** Its letter, and why it was kept. */
  | { kind: 'kept'; reason: string }
  /** A row of its user, so no letter. The letter's own unit may go back only if free. */
  | { kind: 'issued'; unit: number; ownUnitIsFree: boolean }
  /** A cancellation of its user, so no letter. */
  | { kind: 'cancelled' }
  /** A letter that has moved on: what failed was an attempt of before its last redrive, or it was discarded. */
  | { kind: 'moved-on' };

export interface StoredDeadLetter extends Required<DeadLetter> {
  id: number;
  state: LetterState;
  /** Epoch ms. */
  createdAt: number;
  /** When it was kept the last time, epoch ms; null for one of before this was written down. */
  keptAt: number | null;
}

/** A letter that names all that issuing its ticket takes. */
export type RedrivableLetter = StoredDeadLetter & { user: string; unit: number; admittedAt: number };

export const isRedrivable = (letter: StoredDeadLetter): letter is RedrivableLetter =>
  letter.user !== null && letter.unit !== null && letter.admittedAt !== null;
