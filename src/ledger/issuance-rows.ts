// The statements of issuance: what may be written, how a batch becomes one INSERT, what stands.
import { CODE_CHARS } from '../domain/coupon.ts';
import { isUserId } from '../domain/ids.ts';
import type { IssuanceRow } from '../domain/issuance.ts';
import type { Ledger } from './pool.ts';

/** A row of the ledger, as far as it decides about another. */
export interface Standing {
  unit: number;
  user: string;
}

const COLUMNS = ['campaign', 'unit', 'user', 'seq', 'epoch', 'code', 'admitted_at', 'last_unit'];
const CODE = new RegExp(`^[0-9A-Z]{${CODE_CHARS}}$`);
const UINT32_MAX = 2 ** 32 - 1;
/** The end of the year 9999, the last that a datetime can say. */
const TIME_MAX = 253_402_300_799_999;

const isCount = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/**
 * What is wrong with a row by its shape; undefined when nothing is. It comes from a stream that an intruder may write to,
 * and bounds the statement: 500 rows of the longest ids are 250 kB, however they are escaped.
 */
export function malformation(row: IssuanceRow): string | undefined {
  if (!isCount(row.unit, 1, UINT32_MAX)) return 'unit is no unit number';
  if (typeof row.user !== 'string' || !isUserId(row.user)) return 'user is no user id';
  if (!isCount(row.seq, 0, Number.MAX_SAFE_INTEGER)) return 'seq is no seq';
  if (!isCount(row.epoch, 0, UINT32_MAX)) return 'epoch is no epoch';
  if (typeof row.code !== 'string' || !CODE.test(row.code)) return 'code is no coupon code';
  return isCount(row.admittedAt, 0, TIME_MAX) ? undefined : 'admittedAt is no time';
}

/** Full batches come in these steps, so that a connection keeps few prepared statements; see docs/decisions.md. */
const PREPARED_STEP = 100;
const tuple = `(${COLUMNS.map(() => '?').join(',')})`;
const inserts = new Map<number, string>();

/**
 * Writes all rows or none, and none unless the campaign is in `epoch`: a single statement is a transaction. The first row
 * takes its campaign from a query that locks the campaign's row, so that an epoch begins before this statement or after it,
 * and no statement of an earlier epoch can land once a rebuild reads the ledger. Throws a Fault; `kindOf` says why.
 */
export async function insertRows(
  ledger: Ledger,
  rows: readonly IssuanceRow[],
  lastUnit: number,
  epoch: number | undefined,
): Promise<void> {
  const params: unknown[] = [];
  for (const row of rows) {
    const admittedAt = new Date(row.admittedAt);
    params.push(row.campaign);
    if (params.length === 1 && epoch !== undefined) params.push(epoch);
    params.push(row.unit, row.user, row.seq, row.epoch, row.code, admittedAt, lastUnit);
  }
  await ledger.run(insertOf(rows.length, epoch !== undefined), params, rows.length % PREPARED_STEP === 0);
}

/** No campaign where it is in another epoch: then the column, which takes no NULL, refuses the statement. */
const FENCED = tuple.replace('?', '(SELECT id FROM campaigns WHERE id = ? AND epoch = ? LOCK IN SHARE MODE)');

function insertOf(rowCount: number, isFenced: boolean): string {
  const name = isFenced ? rowCount : -rowCount;
  let sql = inserts.get(name);
  if (sql === undefined) {
    const tuples = [isFenced ? FENCED : tuple, ...Array<string>(rowCount - 1).fill(tuple)];
    sql = `INSERT INTO issuances (${COLUMNS.join(',')}) VALUES ${tuples.join(',')}`;
    inserts.set(name, sql);
  }
  return sql;
}

/** The rows that hold one of these units or belong to one of these users. Two reads, because an OR would use no key. */
export async function readStanding(ledger: Ledger, rows: readonly IssuanceRow[]): Promise<Standing[]> {
  const campaign = rows[0]!.campaign;
  const standing = ledger.db.selectFrom('issuances').select(['unit', 'user']).where('campaign', '=', campaign);
  const units = rows.map((row) => row.unit);
  const users = rows.map((row) => row.user);
  const byUnit = await standing.where('unit', 'in', units).execute();
  const byUser = await standing.where('user', 'in', users).execute();
  return [...byUnit, ...byUser];
}

export async function codeStands(ledger: Ledger, code: string): Promise<boolean> {
  const found = await ledger.db.selectFrom('issuances').select('unit').where('code', '=', code).executeTakeFirst();
  return found !== undefined;
}
