// Rows of tickets on their way into the ledger, by whichever duty.
import { couponCode } from '../domain/coupon.ts';
import { userTag } from '../domain/ids.ts';
import type { IssuanceRow, IssueResult } from '../domain/issuance.ts';
import type { Gate } from '../gate/port.ts';

/**
 * Commits what it can of rows of one campaign and tells what stands, in their order. A `stale-epoch` Fault, and nothing
 * written, once the campaign is in another epoch than the one given.
 */
export type IssueBatch = (rows: IssuanceRow[], epoch: number) => Promise<IssueResult[]>;

/** What issuing tickets takes, in a batch or alone. */
export interface IssuingDeps {
  gate: Pick<Gate, 'takeUnit' | 'returnUnit'>;
  issueBatch: IssueBatch;
  couponKey: Buffer;
}

/** The row of a ticket, with the coupon code that follows from its unit and its user. */
export function rowOf(
  { couponKey }: Pick<IssuingDeps, 'couponKey'>,
  { campaign, unit, user, seq, epoch, admittedAt }: Omit<IssuanceRow, 'code'>,
): IssuanceRow {
  const code = couponCode(couponKey, campaign, unit, userTag(campaign, user));
  return { campaign, unit, user, seq, epoch, code, admittedAt };
}

/** Issues what has a unit; a restored ticket that found none needs another one, as if its own were taken. */
export async function issueRows(
  deps: Pick<IssuingDeps, 'issueBatch'>,
  rows: IssuanceRow[],
  epoch: number,
): Promise<IssueResult[]> {
  const housed = rows.filter((row) => row.unit > 0);
  const results = housed.length === 0 ? [] : await deps.issueBatch(housed, epoch);
  if (housed.length === rows.length) return results;
  const byRow = new Map(housed.map((row, index) => [row, results[index]!]));
  return rows.map((row) => byRow.get(row) ?? { kind: 'unit-taken' });
}
