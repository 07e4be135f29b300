// A ticket whose own unit is somebody else's: another unit for it, or none.
import { couponCode } from '../domain/coupon.ts';
import { userTag } from '../domain/ids.ts';
import type { IssuanceRow, IssueResult } from '../domain/issuance.ts';
import type { TicketException } from '../domain/ticket-state.ts';
import { limits } from '../process/limits.ts';
import type { IssuingDeps } from './rows.ts';

export const CANCELLED = { outcome: { status: 'cancelled' } } as const;

/** How a ticket ended that was not issued as promised. */
export type Ended = Pick<TicketException, 'outcome' | 'returnedUnit'>;

/** The user holds `found.unit`: that one stands, and `spareUnit` goes back if nobody holds it. */
export function issuedAs(found: { unit: number; ownUnitIsFree: boolean }, spareUnit: number): Ended {
  const outcome = { status: 'issued-renumbered', unit: found.unit } as const;
  return found.ownUnitIsFree ? { outcome, returnedUnit: spareUnit } : { outcome };
}

/** A dead letter of the user stands, and `spareUnit` goes back if nobody holds it. */
export function keptAs({ reason, ownUnitIsFree }: IssueResult & { kind: 'kept' }, spareUnit: number): Ended {
  const outcome = { status: 'failed', reason } as const;
  return ownUnitIsFree ? { outcome, returnedUnit: spareUnit } : { outcome };
}

/**
 * Issues the row under another unit; undefined when none is left. A crash between taking a unit and committing it, or
 * returning it, leaves that unit unsold, never sold twice.
 */
export async function renumber(deps: IssuingDeps, row: IssuanceRow, epoch: number): Promise<Ended | undefined> {
  for (let attempt = 0; attempt < limits.renumberAttemptsMax; attempt += 1) {
    const unit = await deps.gate.takeUnit(row.campaign, epoch);
    if (unit === undefined) return undefined;
    const code = couponCode(deps.couponKey, row.campaign, unit, userTag(row.campaign, row.user));
    const [result] = (await deps.issueBatch([{ ...row, unit, code }], epoch)) as [IssueResult];
    if (result.kind === 'issued' || result.kind === 'already')
      return { outcome: { status: 'issued-renumbered', unit } };
    if (result.kind === 'duplicate') return issuedAs(result, unit);
    if (result.kind === 'cancelled') {
      await deps.gate.returnUnit(row.campaign, epoch, unit);
      return CANCELLED;
    }
    if (result.kind === 'kept') return keptAs(result, unit);
  }
  return undefined;
}
