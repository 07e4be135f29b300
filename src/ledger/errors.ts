// What an error of the database means for us, decided here and nowhere else.
import { Fault } from '../domain/fault.ts';

/**
 * - `duplicate`: a unique key says that a row stands already; nothing was written.
 * - `row`: the statement was refused because of what one of its rows holds; nothing was written.
 * - `retry`: the server rolled back (or must be made to) because of somebody else; the same work may succeed at once.
 * - `unknown`: no answer, so the work may have been done, or may still be done after this was thrown.
 * - `down`: a fault of the ledger itself (unreachable, read-only, full, misconfigured); nothing was written.
 */
export type LedgerErrorKind = 'duplicate' | 'row' | 'retry' | 'unknown' | 'down';

/** What mysql2 puts on an error; nothing of it is certain to be there. */
interface DriverError {
  errno?: number;
  sqlState?: string;
  sqlMessage?: string;
}

const DUPLICATE = new Set([1062, 1586]);
/** Deadlock, lock wait, "record has changed" of MariaDB's snapshot isolation, certification failure of a group commit. */
const RETRY = new Set([1213, 1205, 1020, 3101]);
/** Shutdown, commit error, killed connection, and the server's own network errors: all may come after the work is done. */
const UNKNOWN = new Set([1053, 1152, 1158, 1159, 1160, 1161, 1180, 1927]);
/** Row errors whose SQLSTATE says no more than HY000 or 01000, and a packet too large, which half the rows may not be. */
const ROW = new Set([1153, 1265, 1364, 1366, 1526, 1644, 3819]);
/** A row without its tranche: the ledger has lost campaign truth (a restored backup), so no ticket is at fault. */
const NO_PARENT = new Set([1216, 1452]);
/** SQLSTATE classes: data exception, integrity constraint violation, raised by a trigger. */
const ROW_STATE = /^(?:22|23|45)/;

const kinds = new WeakMap<Fault, LedgerErrorKind>();

/** The kind of a Fault thrown by the ledger; undefined for anything that did not come from the database. */
export const kindOf = (error: unknown): LedgerErrorKind | undefined =>
  error instanceof Fault ? kinds.get(error) : undefined;

/**
 * Whether a Fault says that the ledger itself is away. What the server rolled back for somebody else's sake, and a
 * campaign whose tranche is missing, concern only those who asked.
 */
export function isOutage(error: unknown): boolean {
  const kind = kindOf(error);
  const { errno } = ((error as Fault | undefined)?.cause ?? {}) as DriverError;
  return kind === 'unknown' || (kind === 'down' && !NO_PARENT.has(errno ?? 0));
}

/** The server's own words for a Fault of the ledger, at most 500 characters, to be kept with a dead letter. */
export function detailOf(fault: unknown): string {
  const cause = fault instanceof Fault ? fault.cause : fault;
  const text =
    (cause as DriverError | undefined)?.sqlMessage ?? (cause instanceof Error ? cause.message : String(cause));
  return text.slice(0, 500);
}

/** Turns an error of a statement into a Fault that remembers its kind. */
export function statementFault(error: unknown): Fault {
  return faultOf(classify(error), error);
}

/** Turns an error before any statement was sent (no connection in time, refused, pool closed) into a Fault. */
export function acquireFault(error: unknown): Fault {
  return error instanceof Fault ? error : faultOf('down', error);
}

function classify(error: unknown): LedgerErrorKind {
  const { errno, sqlState } = (error ?? {}) as DriverError;
  // Only the server numbers its errors above 0; without a number the answer was lost, or there never was a question.
  if (typeof errno !== 'number' || errno <= 0 || UNKNOWN.has(errno)) return 'unknown';
  if (DUPLICATE.has(errno)) return 'duplicate';
  if (RETRY.has(errno)) return 'retry';
  if (NO_PARENT.has(errno)) return 'down';
  return ROW.has(errno) || (sqlState !== undefined && ROW_STATE.test(sqlState)) ? 'row' : 'down';
}

function faultOf(kind: LedgerErrorKind, cause: unknown): Fault {
  const detail = detailOf(cause);
  const fault =
    kind === 'duplicate'
      ? new Fault('conflict', `the ledger holds such a row: ${detail}`, { cause })
      : kind === 'row'
        ? new Fault('invalid', `the ledger refuses the row: ${detail}`, { cause })
        : new Fault('ledger-unavailable', `${SAYING[kind]}: ${detail}`, { cause, retryable: true });
  kinds.set(fault, kind);
  return fault;
}

const SAYING = {
  retry: 'the ledger rolled back',
  unknown: 'the ledger did not answer, the outcome is unknown',
  down: 'the ledger is unavailable',
};
