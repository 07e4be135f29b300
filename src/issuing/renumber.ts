// A ticket whose own unit is somebody else's: another unit for it, or none.
import type { IssuanceRow, IssueResult } from '../domain/issuance.ts';
import type { TicketException } from '../domain/ticket-state.ts';
import { limits } from '../process/limits.ts';
import { type IssuingDeps, rowOf } from './rows.ts';

/** How a ticket ended that was not issued as promised. */
export type Ended = Pick<TicketException, 'outcome' | 'returnedUnit'>;

/** A row, a cancellation or a kept letter of the user stands: the ticket ends so, and `unit` goes back if it is free. */
export function endedAs(found: Instead, unit: number): Ended {
  const outcome = outcomeOf(found);
  return found.ownUnitIsFree ? { outcome, returnedUnit: unit } : { outcome };
}

/** What stands in the ledger in place of a row of this ticket. */
type Instead = Extract<IssueResult, { ownUnitIsFree: boolean }>;

function outcomeOf(found: Instead): Ended['outcome'] {
  if (found.kind === 'duplicate') return { status: 'issued-renumbered', unit: found.unit };
  if (found.kind === 'kept') return { status: 'failed', reason: found.reason };
  return { status: 'cancelled' };
}

/** A row that the ledger refuses under whatever unit. */
export type Refused = Extract<IssueResult, { kind: 'bad-row' }>;

/**
 * Issues the row under another unit; undefined when none is left. A row that the ledger refuses gives its unit back. A crash
 * between taking a unit and committing it, or returning it, leaves that unit unsold, never sold twice.
 */
export async function renumber(
  deps: IssuingDeps,
  row: IssuanceRow,
  epoch: number,
): Promise<Ended | Refused | undefined> {
  for (let attempt = 0; attempt < limits.renumberAttemptsMax; attempt += 1) {
    const unit = await deps.gate.takeUnit(row.campaign, epoch);
    if (unit === undefined) return undefined;
    const [result] = (await deps.issueBatch([rowOf(deps, { ...row, unit })], epoch)) as [IssueResult];
    switch (result.kind) {
      case 'issued':
      case 'already':
        return { outcome: { status: 'issued-renumbered', unit } };
      case 'duplicate':
      case 'kept':
        return endedAs(result, unit);
      case 'cancelled':
        await deps.gate.returnUnit(row.campaign, epoch, unit);
        return { outcome: { status: 'cancelled' } };
      case 'bad-row':
        await deps.gate.returnUnit(row.campaign, epoch, unit);
        return result;
      case 'unit-taken':
    }
  }
  return undefined;
}
