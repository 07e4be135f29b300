// The statements of issuance: what may be written, how a batch becomes one INSERT, what stands.
import { CompiledQuery } from 'kysely';
import { CODE_CHARS } from '../domain/coupon.ts';
import { isUserId, userTag } from '../domain/ids.ts';
import type { IssuanceRow } from '../domain/issuance.ts';
import { UINT32_MAX } from '../domain/uint32.ts';
import { inInsertSpan } from '../telemetry/batch-trace.ts';
import { tellOutbox } from './outbox.ts';
import type { Ledger } from './pool.ts';

/** A row of the ledger, as far as it decides about another. */
export interface Standing {
  unit: number;
  user: string;
}

const COLUMNS = ['campaign', 'unit', 'user', 'seq', 'epoch', 'code', 'admitted_at', 'last_unit'];
const CODE = new RegExp(`^[0-9A-Z]{${CODE_CHARS}}$`);
/** The end of the year 9999, the last that a datetime can say. */
const TIME_MAX = 253_402_300_799_999;

const isCount = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/**
 * What is wrong with a row by its shape; undefined when nothing is. It comes from a stream that an intruder may write to,
 * and bounds the statement: 500 rows of the longest ids are 250 kB, however they are escaped.
 */
export function malformation(row: IssuanceRow): string | undefined {
  if (!isCount(row.unit, 1, UINT32_MAX)) return 'unit is not a unit number';
  if (typeof row.user !== 'string' || !isUserId(row.user)) return 'user is not a user id';
  if (!isCount(row.seq, 0, Number.MAX_SAFE_INTEGER)) return 'seq is not a seq';
  if (!isCount(row.epoch, 0, UINT32_MAX)) return 'epoch is not an epoch';
  if (typeof row.code !== 'string' || !CODE.test(row.code)) return 'code is not a coupon code';
  return isCount(row.admittedAt, 0, TIME_MAX) ? undefined : 'admittedAt is not a time';
}

/** Full batches come in these steps, so that a connection keeps few prepared statements; see docs/decisions.md. */
const PREPARED_STEP = 100;
const tuple = `(${COLUMNS.map(() => '?').join(',')})`;
const inserts = new Map<string, string>();

/** Under which circumstances rows are written at all. */
export interface Fence {
  /** The epoch of the campaign. */
  epoch: number;
  /** Whether the campaign may have cancellations and kept letters, only not of these users: slower than to ask for any. */
  asksEach: boolean;
}

/**
 * Writes all rows or none, and with them what the outbox tells of them, and none unless the campaign is in the epoch of the fence and no ticket of these users is
 * cancelled or kept as a dead letter: a single statement is a transaction. The first row takes its campaign from a query
 * that locks the campaign's row, so that an epoch begins, and a cancellation or a letter is written, before this statement
 * or after it. No statement of an
 * earlier epoch can land once a rebuild reads the ledger. Throws a Fault; `kindOf` says why.
 */
export async function insertRows(
  ledger: Ledger,
  rows: readonly IssuanceRow[],
  lastUnit: number,
  fence: Fence | undefined,
): Promise<void> {
  const params: unknown[] = [];
  const { campaign } = rows[0]!;
  if (fence !== undefined) {
    const users = fence.asksEach ? rows.map(({ user }) => user) : [];
    const tags = users.map((user) => userTag(campaign, user));
    params.push(campaign, ...tags, campaign, ...users, campaign, fence.epoch);
  }
  for (const [index, row] of rows.entries()) {
    if (index > 0 || fence === undefined) params.push(campaign);
    params.push(row.unit, row.user, row.seq, row.epoch, row.code, new Date(row.admittedAt), lastUnit);
  }
  const isPrepared = rows.length % PREPARED_STEP === 0;
  const sql = insertOf(rows.length, fence);
  await inInsertSpan('issuances', rows.length, async () => {
    if (!ledger.tellsOutbox) return void (await ledger.run(sql, params, isPrepared));
    await ledger.transaction(async (tx) => {
      await tx.executeQuery(CompiledQuery.raw(sql, params));
      await tellOutbox(tx, campaign, 'issued', rows);
    });
  });
}

/**
 * No campaign where it is in another epoch or archived, or a ticket cancelled or kept: then the column, which takes no NULL, refuses
 * the statement. Both are asked for among what is selected, not in the condition: after the lock, in any plan.
 */
function fencedTuple(rowCount: number, { asksEach }: Fence): string {
  const each = `IN (${Array(rowCount).fill('?').join(',')})`;
  const among = asksEach ? ` AND tag ${each}` : '';
  const cancelled = `SELECT 1 FROM cancellations WHERE campaign = ?${among} LOCK IN SHARE MODE`;
  const whose = asksEach ? each : 'IS NOT NULL';
  const kept = `SELECT 1 FROM dead_letters WHERE campaign = ? AND state = 'kept' AND user ${whose} LOCK IN SHARE MODE`;
  const campaign = `SELECT CASE WHEN EXISTS (${cancelled}) OR EXISTS (${kept}) THEN NULL ELSE id END FROM campaigns`;
  return tuple.replace('?', `(${campaign} WHERE id = ? AND epoch = ? AND archived_at IS NULL LOCK IN SHARE MODE)`);
}

function insertOf(rowCount: number, fence: Fence | undefined): string {
  const name = `${rowCount} ${fence?.asksEach}`;
  let sql = inserts.get(name);
  if (sql === undefined) {
    const first = fence === undefined ? tuple : fencedTuple(rowCount, fence);
    const tuples = [first, ...Array<string>(rowCount - 1).fill(tuple)];
    sql = `INSERT INTO issuances (${COLUMNS.join(',')}) VALUES ${tuples.join(',')}`;
    inserts.set(name, sql);
  }
  return sql;
}

/** Those of `units` that a row holds. */
export async function unitsHeld(
  ledger: Ledger,
  campaign: string,
  units: readonly number[],
): Promise<ReadonlySet<number>> {
  const held = ledger.db.selectFrom('issuances').select('unit').where('campaign', '=', campaign);
  return new Set((await held.where('unit', 'in', units).execute()).map(({ unit }) => unit));
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
