// What the ledger knows of a campaign's tickets, told to who rebuilds its gate; and the book of its epochs.
import { sql } from 'kysely';
import { limits } from '../process/limits.ts';
import type { Ledger } from './pool.ts';

/** Why an epoch began: the gate was unverified, damaged or missing, or a person wanted it. */
export type EpochReason = 'unverified' | 'damaged' | 'missing' | 'repair';

/** A committed issuance, as far as a gate needs it. */
export interface Holder {
  user: string;
  unit: number;
  /** Of the ticket as it was signed. */
  epoch: number;
  seq: number;
  /** Epoch ms. */
  admittedAt: number;
}

/** A ticket that an operator keeps: its unit is reserved. */
export type KeptHolder = Holder & { reason: string };

/** A ticket that was cancelled, by the tag of its user: nobody may have said who that is. */
export type CancelledHolder = Omit<Holder, 'user'> & { tag: string; user: string | undefined };

/** How far the ledger has come with a campaign. */
export interface LedgerFacts {
  issuedCount: number;
  /** Highest unit and seq of all rows; 0 when there are none. */
  maxUnit: number;
  maxSeq: number;
  /** Users whose cancellation the gate was told of. */
  cancelledCount: number;
}

/** Rows up to a unit. */
export interface RowsUpTo {
  issuedCount: number;
  maxSeq: number;
  /** Ranges of units that no row has; `first` and `last` belong to the range. */
  gaps: { first: number; last: number }[];
}

export interface EpochOpening {
  afterSeq: number;
  knownCount: number;
  survivedCount: number;
  freeCount: number;
}

/**
 * Begins the epoch `to` where the campaign is in `from`, once: undefined when somebody else did. The campaign is live
 * again: whoever gets a place back wants it issued.
 */
export function beginEpoch(
  ledger: Ledger,
  campaign: string,
  from: number,
  epoch: number,
  { reason, worker }: { reason: EpochReason; worker: string },
): Promise<number | undefined> {
  return ledger.transaction(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('campaigns')
      .set({ epoch, drained_at: null })
      .where('id', '=', campaign)
      .where('epoch', '=', from)
      .where('archived_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return undefined;
    await tx
      .insertInto('epochs')
      .values({ campaign, epoch, reason, worker: worker.slice(0, 128) })
      .execute();
    return epoch;
  });
}

/** Ms since the gate of this epoch opened, by the ledger's clock; undefined when it has not, or nobody wrote it down. */
export async function openForMs(ledger: Ledger, campaign: string, epoch: number): Promise<number | undefined> {
  const row = await ledger.db
    .selectFrom('epochs')
    .select(sql<string | null>`timestampdiff(microsecond, opened_at, current_timestamp(3)) / 1000`.as('ms'))
    .where('campaign', '=', campaign)
    .where('epoch', '=', epoch)
    .executeTakeFirst();
  return row?.ms == null ? undefined : Number(row.ms);
}

/** Notes that the gate of an epoch has opened, and what it knew. */
export async function noteOpening(
  ledger: Ledger,
  campaign: string,
  epoch: number,
  opening: EpochOpening,
): Promise<void> {
  await ledger.db
    .updateTable('epochs')
    .set({
      opened_at: sql<Date>`current_timestamp(3)`,
      after_seq: opening.afterSeq,
      known_count: opening.knownCount,
      survived_count: opening.survivedCount,
      free_count: opening.freeCount,
    })
    .where('campaign', '=', campaign)
    .where('epoch', '=', epoch)
    .execute();
}

/** Reads every row of the campaign once: half a second a million. */
export async function ledgerFacts(ledger: Ledger, campaign: string): Promise<LedgerFacts> {
  const { count, maxUnit, maxSeq } = await ledger.db
    .selectFrom('issuances')
    .select((eb) => [
      eb.fn.countAll<number>().as('count'),
      eb.fn.max('unit').as('maxUnit'),
      eb.fn.max('seq').as('maxSeq'),
    ])
    .where('campaign', '=', campaign)
    .executeTakeFirstOrThrow();
  const { cancelledCount } = await ledger.db
    .selectFrom('cancellations')
    .select((eb) => eb.fn.count<number>('tag').distinct().as('cancelledCount'))
    .where('campaign', '=', campaign)
    .where('returned_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return {
    issuedCount: Number(count),
    maxUnit: Number(maxUnit ?? 0),
    maxSeq: Number(maxSeq ?? 0),
    cancelledCount: Number(cancelledCount),
  };
}

/** All holders of a unit above `after`, page by page in order of their units. */
export async function* holders(ledger: Ledger, campaign: string, after = 0): AsyncIterable<Holder[]> {
  for (let last = after; ; ) {
    const rows = await holderRows(ledger, campaign)
      .where('unit', '>', last)
      .orderBy('unit')
      .limit(limits.rowsPerRead)
      .execute();
    if (rows.length === 0) return;
    last = rows.at(-1)!.unit;
    yield rows.map(holderIn);
  }
}

/** Those of `users` who hold a unit. */
export async function holdersAmong(ledger: Ledger, campaign: string, users: readonly string[]): Promise<Holder[]> {
  const found: Holder[] = [];
  for (let from = 0; from < users.length; from += limits.rowsPerRead) {
    const some = users.slice(from, from + limits.rowsPerRead);
    const rows = await holderRows(ledger, campaign).where('user', 'in', some).execute();
    found.push(...rows.map(holderIn));
  }
  return found;
}

/**
 * What the rows up to the unit `upTo` come to, without their users. Reads them once, and once more where units are missing:
 * a row that goes between the two readings is missing, or the cancellation that took it is newer than the call.
 */
export async function rowsUpTo(ledger: Ledger, campaign: string, upTo: number): Promise<RowsUpTo> {
  const found = await ledger.db
    .selectFrom('issuances')
    .select((eb) => [
      eb.fn.countAll<number>().as('count'),
      eb.fn.max('unit').as('maxUnit'),
      eb.fn.max('seq').as('maxSeq'),
    ])
    .where('campaign', '=', campaign)
    .where('unit', '<=', upTo)
    .executeTakeFirstOrThrow();
  const [issuedCount, maxUnit] = [Number(found.count), Number(found.maxUnit ?? 0)];
  const gaps = issuedCount === maxUnit ? [] : await gapsUpTo(ledger, campaign, maxUnit);
  if (maxUnit < upTo) gaps.push({ first: maxUnit + 1, last: upTo });
  return { issuedCount, maxSeq: Number(found.maxSeq ?? 0), gaps };
}

async function gapsUpTo(ledger: Ledger, campaign: string, upTo: number): Promise<RowsUpTo['gaps']> {
  const { rows } = await sql<{ before_unit: number; unit: number }>`select before_unit, unit from (
      select unit, coalesce(lag(unit) over (order by unit), 0) as before_unit
      from issuances where campaign = ${campaign} and unit <= ${upTo}
    ) as held where unit > before_unit + 1 order by unit`.execute(ledger.db);
  return rows.map(({ before_unit, unit }) => ({ first: Number(before_unit) + 1, last: Number(unit) - 1 }));
}

const holderRows = (ledger: Ledger, campaign: string) =>
  ledger.db
    .selectFrom('issuances')
    .select(['user', 'unit', 'epoch', 'seq', 'admitted_at'])
    .where('campaign', '=', campaign);

const holderIn = ({ admitted_at, ...row }: Omit<Holder, 'admittedAt'> & { admitted_at: Date }): Holder => ({
  ...row,
  admittedAt: admitted_at.getTime(),
});

/** All tickets in an operator's hands whose user is known: kept as dead letters, or about to be redriven. */
export async function keptHolders(ledger: Ledger, campaign: string): Promise<KeptHolder[]> {
  const rows = await ledger.db
    .selectFrom('dead_letters')
    .select(['user', 'unit', 'epoch', 'seq', 'admitted_at', 'reason'])
    .where('campaign', '=', campaign)
    .where('state', 'in', ['kept', 'redriving'])
    .where('user', 'is not', null)
    .execute();
  return rows.map(({ user, unit, admitted_at, ...row }) => ({
    ...row,
    user: user!,
    unit: unit ?? 0,
    admittedAt: admitted_at?.getTime() ?? 0,
  }));
}

/** All tickets that were given back or discarded whose holder is known; their units are free. */
export async function cancelledHolders(ledger: Ledger, campaign: string): Promise<CancelledHolder[]> {
  const rows = await ledger.db
    .selectFrom('cancellations')
    .select(['tag', 'user', 'unit', 'epoch', 'seq', 'created_at'])
    .where('campaign', '=', campaign)
    .where('tag', 'is not', null)
    .execute();
  return rows.map(({ tag, user, unit, created_at, ...row }) => ({
    ...row,
    tag: tag!,
    user: user ?? undefined,
    unit: unit ?? 0,
    admittedAt: created_at.getTime(),
  }));
}

/** Those of `units` that a row of the campaign has. */
export async function heldUnits(
  ledger: Ledger,
  campaign: string,
  units: readonly number[],
): Promise<ReadonlySet<number>> {
  const held = new Set<number>();
  for (let from = 0; from < units.length; from += limits.rowsPerRead) {
    const rows = await ledger.db
      .selectFrom('issuances')
      .select('unit')
      .where('campaign', '=', campaign)
      .where('unit', 'in', units.slice(from, from + limits.rowsPerRead))
      .execute();
    for (const { unit } of rows) held.add(unit);
  }
  return held;
}
