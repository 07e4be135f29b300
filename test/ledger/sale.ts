// A campaign with tickets to issue.
import { couponCode } from '../../src/domain/coupon.ts';
import { userTag } from '../../src/domain/ids.ts';
import type { IssuanceRow } from '../../src/domain/issuance.ts';
import { createCampaign } from '../../src/ledger/creations.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { uniqueName } from '../helpers/own-names.ts';

const COUPON_KEY = Buffer.from('a key for coupons of tests only');

export interface Sale {
  id: string;
  /** The ticket that promises `unit`, as its gate numbered it: seq = unit, user = `user-<unit>`. */
  row: (unit: number, other?: Partial<IssuanceRow>) => IssuanceRow;
  /** Tickets for the units `from` to `to`. */
  rows: (from: number, to: number) => IssuanceRow[];
}

export async function openSale(ledger: Ledger, stock = 1_000): Promise<Sale> {
  const id = uniqueName('sale');
  await createCampaign(ledger, { id, stock }, 'tester');
  const row = (unit: number, other: Partial<IssuanceRow> = {}): IssuanceRow => ({
    campaign: id,
    unit,
    user: `user-${unit}`,
    seq: unit,
    epoch: 1,
    code: couponCode(COUPON_KEY, id, other.unit ?? unit, userTag(id, other.user ?? `user-${unit}`)),
    admittedAt: 1_798_102_800_123 + unit,
    ...other,
  });
  const rows = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => row(from + i));
  return { id, row, rows };
}

/** How many results there are of each kind. */
export function tally(results: readonly { kind: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of results) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
