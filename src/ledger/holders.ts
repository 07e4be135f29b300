// Who holds what of a campaign, as far as the ledger knows, told to who rebuilds its gate.
import { sql } from 'kysely';
import { chunks } from '../domain/chunks.ts';
import { limits } from '../process/limits.ts';
import type { CancelledHolder, Holder, KeptHolder, RowsUpTo } from './epochs.ts';
import type { Ledger } from './pool.ts';

/**
 * Of each campaign the holders with the lowest units, and whether these are all. One read of `rowsPerRead` rows goes as far
 * as it goes, so that neither many campaigns nor a large one among them make it long.
 */
export async function firstHolders(
  ledger: Ledger,
  campaigns: readonly string[],
): Promise<{ rows: Holder[]; isAll: boolean }[]> {
  const found = new Map<string, { rows: Holder[]; isAll: boolean }>();
  for (let left = campaigns.toSorted(); left.length > 0; left = left.filter((campaign) => !found.has(campaign))) {
    const rows = await ledger.db
      .selectFrom('issuances')
      .select(['campaign', 'user', 'unit', 'epoch', 'seq', 'admitted_at'])
      .where('campaign', 'in', left)
      .orderBy('campaign')
      .orderBy('unit')
      .limit(limits.rowsPerRead)
      .execute();
    const isCut = rows.length === limits.rowsPerRead;
    const last = rows.at(-1)?.campaign;
    const rowsOf = Map.groupBy(rows, ({ campaign }) => campaign);
    for (const campaign of left) {
      const isRead = !isCut || campaign < last!;
      const holders = (rowsOf.get(campaign) ?? []).map(holderIn);
      if (isRead || (campaign === last && campaign === left[0])) found.set(campaign, { rows: holders, isAll: isRead });
    }
  }
  return campaigns.map((campaign) => found.get(campaign)!);
}

/** The next holders of a unit above `after`, in order of their units; none when that was all. */
export async function nextHolders(ledger: Ledger, campaign: string, after: number): Promise<Holder[]> {
  const rows = await holderRows(ledger, campaign)
    .where('unit', '>', after)
    .orderBy('unit')
    .limit(limits.rowsPerRead)
    .execute();
  return rows.map(holderIn);
}

/** Those of `users` who hold a unit. */
export async function holdersAmong(ledger: Ledger, campaign: string, users: readonly string[]): Promise<Holder[]> {
  const found: Holder[] = [];
  for (const some of chunks(users, limits.rowsPerRead)) {
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

const holderIn = ({
  user,
  unit,
  epoch,
  seq,
  admitted_at,
}: Omit<Holder, 'admittedAt'> & { admitted_at: Date }): Holder => ({
  ...{ user, unit, epoch, seq },
  admittedAt: admitted_at.getTime(),
});

/** All tickets of each campaign in an operator's hands whose user is known: kept as dead letters, or about to be redriven. */
export async function keptHolders(ledger: Ledger, campaigns: readonly string[]): Promise<KeptHolder[][]> {
  const rows = await ledger.db
    .selectFrom('dead_letters')
    .select(['campaign', 'user', 'unit', 'epoch', 'seq', 'admitted_at', 'reason'])
    .where('campaign', 'in', campaigns)
    .where('state', 'in', ['kept', 'redriving'])
    .where('user', 'is not', null)
    .execute();
  const rowsOf = Map.groupBy(rows, ({ campaign }) => campaign);
  return campaigns.map((campaign) =>
    (rowsOf.get(campaign) ?? []).map(({ user, unit, epoch, seq, admitted_at, reason }) => ({
      ...{ epoch, seq, reason },
      user: user!,
      unit: unit ?? 0,
      admittedAt: admitted_at?.getTime() ?? 0,
    })),
  );
}

/** All tickets of each campaign that were given back or discarded whose holder is known; their units are free. */
export async function cancelledHolders(ledger: Ledger, campaigns: readonly string[]): Promise<CancelledHolder[][]> {
  const rows = await ledger.db
    .selectFrom('cancellations')
    .select(['campaign', 'tag', 'user', 'unit', 'epoch', 'seq', 'created_at'])
    .where('campaign', 'in', campaigns)
    .where('tag', 'is not', null)
    .execute();
  const rowsOf = Map.groupBy(rows, ({ campaign }) => campaign);
  return campaigns.map((campaign) =>
    (rowsOf.get(campaign) ?? []).map(({ tag, user, unit, epoch, seq, created_at }) => ({
      ...{ epoch, seq },
      tag: tag!,
      user: user ?? undefined,
      unit: unit ?? 0,
      admittedAt: created_at.getTime(),
    })),
  );
}

/** Those of `units` that a row of the campaign has. */
export async function heldUnits(
  ledger: Ledger,
  campaign: string,
  units: readonly number[],
): Promise<ReadonlySet<number>> {
  const held = new Set<number>();
  for (const some of chunks(units, limits.rowsPerRead)) {
    const rows = await ledger.db
      .selectFrom('issuances')
      .select('unit')
      .where('campaign', '=', campaign)
      .where('unit', 'in', some)
      .execute();
    for (const { unit } of rows) held.add(unit);
  }
  return held;
}
