// What a standing row means for a ticket, and which tickets of one batch stand in each other's way. Pure.
import type { IssuanceRow, IssueResult } from '../domain/issuance.ts';
import type { Standing } from './issuance-rows.ts';

/** A function that says what `standing` decides about a row; undefined when nothing of it is in the row's way. */
export function rulingsOf(standing: readonly Standing[]): (row: IssuanceRow) => IssueResult | undefined {
  const byUnit = new Map(standing.map((row) => [row.unit, row]));
  const byUser = new Map(standing.map((row) => [row.user, row]));
  return (row) => {
    const own = byUser.get(row.user);
    const holder = byUnit.get(row.unit);
    if (own !== undefined) {
      // The same unit is the same promise, whichever gate and seq it came by.
      if (own.unit === row.unit) return { kind: 'already' };
      return { kind: 'duplicate', unit: own.unit, ownUnitIsFree: holder === undefined };
    }
    return holder === undefined ? undefined : { kind: 'unit-taken' };
  };
}

/**
 * Parts rows that nothing standing is in the way of into those that can be written together, the earliest ticket of each
 * user and unit, and those that clash with them. Both keep the order given.
 */
export function withoutClashes<T extends { row: IssuanceRow }>(pending: readonly T[]): { clear: T[]; clashing: T[] } {
  const users = new Set<string>();
  const units = new Set<number>();
  const chosen = new Set<T>();
  const bySeq = [...pending].sort((a, b) => a.row.epoch - b.row.epoch || a.row.seq - b.row.seq);
  for (const one of bySeq) {
    if (users.has(one.row.user) || units.has(one.row.unit)) continue;
    users.add(one.row.user);
    units.add(one.row.unit);
    chosen.add(one);
  }
  return {
    clear: pending.filter((one) => chosen.has(one)),
    clashing: pending.filter((one) => !chosen.has(one)),
  };
}
