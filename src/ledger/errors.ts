// What an error of the database means for us, decided here and nowhere else.
import { Fault } from '../domain/fault.ts';

/**
 * - `duplicate`: a unique key says that a row stands already; nothing was written.
 * - `row`: the statement was refused because of what one of its rows holds; nothing was written.
 * - `stale`: the campaign is in another epoch than the statement was made for, or a ticket of it is cancelled; nothing was written.
 * - `retry`: the server rolled back (or must be made to) because of somebody else; the same work may succeed at once.
 * - `unknown`: no answer, so the work may have been done, or may still be done after this was thrown.
 * - `defect`: a statement that this ledger can never run: a mistake in Sluice, or tables of another version.
 * - `down`: a fault of the ledger itself (unreachable, read-only, full, misconfigured); nothing was written.
 */
export type LedgerErrorKind = 'duplicate' | 'row' | 'stale' | 'retry' | 'unknown' | 'defect' | 'down';

/** What mysql2 puts on an error; nothing of it is certain to be there. */
interface DriverError {
  errno?: number;
  sqlState?: string;
  sqlMessage?: string;
}

const DUPLICATE = new Set([1062, 1586]);
/** Deadlock, lock wait, "record has changed" of MariaDB's snapshot isolation, certification failure of a group commit. */
const RETRY = new Set([1213, 1205, 1020, 3101]);
/** No column is ever given a NULL but by the fence of an INSERT into issuances. */
const NO_NULL = 1048;
/** Shutdown, commit error, killed connection, and the server's own network errors: all may come after the work is done. */
const UNKNOWN = new Set([1053, 1152, 1158, 1159, 1160, 1161, 1180, 1927]);
/** Row errors whose SQLSTATE says no more than HY000 or 01000, and a packet too large, which half the rows may not be. */
const ROW = new Set([1153, 1265, 1364, 1366, 1526, 1644, 3819]);
/** Mistakes in a statement: its class says so, except for what is a matter of rights, limits or a missing table. */
const DEFECT_STATE = /^(?:07|0A|21|2F|42)/;
const NO_DEFECT = new Set([1044, 1049, 1142, 1143, 1146, 1203, 1226, 1227, 1370]);
/** Those whose SQLSTATE says no more than HY000: wrong arguments, collations and character sets that do not go together. */
const DEFECT = new Set([1210, 1243, 1267, 1270, 1271, 1300, 3854, 3988, 4078]);
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

/** Turns an error of a statement into a Fault that remembers its kind. `sql` has placeholders where data goes. */
export function statementFault(error: unknown, sql = ''): Fault {
  return faultOf(classify(error), error, sql);
}

/** Turns an error before any statement was sent (no connection in time, refused, pool closed) into a Fault. */
export function acquireFault(error: unknown): Fault {
  return error instanceof Fault ? error : faultOf('down', error);
}

function classify(error: unknown): LedgerErrorKind {
  const { errno, sqlState = '' } = (error ?? {}) as DriverError;
  // Thrown before anything was sent, as of a parameter that is undefined.
  if (error instanceof TypeError || error instanceof RangeError) return 'defect';
  // Only the server numbers its errors above 0; without a number the answer was lost, or there never was a question.
  if (typeof errno !== 'number' || errno <= 0 || UNKNOWN.has(errno)) return 'unknown';
  if (DUPLICATE.has(errno)) return 'duplicate';
  if (errno === NO_NULL) return 'stale';
  if (RETRY.has(errno)) return 'retry';
  if (NO_PARENT.has(errno)) return 'down';
  if (ROW.has(errno) || ROW_STATE.test(sqlState)) return 'row';
  return DEFECT.has(errno) || (DEFECT_STATE.test(sqlState) && !NO_DEFECT.has(errno)) ? 'defect' : 'down';
}

function faultOf(kind: LedgerErrorKind, cause: unknown, sql = ''): Fault {
  const detail = detailOf(cause);
  const fault =
    kind === 'defect'
      ? defect(sql, detail, cause)
      : kind === 'duplicate'
        ? new Fault('conflict', `the ledger already has a row with this key: ${detail}`, { cause })
        : kind === 'row'
          ? new Fault('invalid', `the ledger refuses the row: ${detail}`, { cause })
          : kind === 'stale'
            ? new Fault('stale-epoch', 'a later epoch of the campaign has begun', { cause, retryable: true })
            : new Fault('ledger-unavailable', `${SAYING[kind]}: ${detail}`, { cause, retryable: true });
  kinds.set(fault, kind);
  return fault;
}

/** Names the statement without its quotes, within which a log would leave it out. */
function defect(sql: string, detail: string, cause: unknown): Fault {
  const statement = sql.replaceAll(/[`'"]/g, '').replaceAll(/\s+/g, ' ').slice(0, STATEMENT_CHARS);
  return new Fault('defect', `the ledger cannot run a statement of Sluice (${statement}): ${detail}`, { cause });
}

const STATEMENT_CHARS = 200;

const SAYING = {
  retry: 'the ledger rolled the transaction back',
  unknown: 'the ledger did not answer; the outcome is unknown',
  down: 'the ledger is unavailable',
};
