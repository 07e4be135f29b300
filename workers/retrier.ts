// Tries single tickets again, and keeps as dead letters those that failed for good.
import { couponCode } from '../src/domain/coupon.ts';
import { Fault, isFault } from '../src/domain/fault.ts';
import { userTag } from '../src/domain/ids.ts';
import type { IssuanceRow, IssueResult } from '../src/domain/issuance.ts';
import type { Gate, GateShape } from '../src/redis/gate.ts';
import type { RetryJob, RetryWork } from '../src/retry/port.ts';
import { issuedAs, type Renumbered, renumber } from './issuer.ts';

export interface RetrierDeps {
  gate: Pick<Gate, 'outcome' | 'resolve' | 'takeUnit'>;
  shapeOf: (campaign: string) => Promise<GateShape | undefined>;
  issueBatch: (rows: IssuanceRow[]) => Promise<IssueResult[]>;
  /** Resolves when the ledger is not known to be away, or `stopping` aborts. */
  untilLedgerUp: (stopping: AbortSignal) => Promise<void>;
  keepDeadLetter: (job: RetryJob, reason: string, attempts: number) => Promise<void>;
  couponKey: Buffer;
}

export function createRetryWork(deps: RetrierDeps): RetryWork {
  const attempt = async (job: RetryJob): Promise<void> => {
    const row = rowOf(deps, job);
    const [result] = (await deps.issueBatch([row])) as [IssueResult];
    switch (result.kind) {
      case 'issued':
      case 'already':
        return end(deps, job, undefined);
      case 'duplicate':
        return end(deps, job, issuedAs(result, row.unit));
      case 'unit-taken': {
        const renumbered = await renumber(deps, row);
        if (renumbered === undefined) throw new Fault('conflict', 'no-unit-left');
        return end(deps, job, renumbered);
      }
      case 'bad-row':
        throw new Fault('invalid', result.reason);
    }
  };
  return {
    untilAble: deps.untilLedgerUp,
    attempt,
    // One attempt more: the last one may have committed the row and died before it could say so.
    // The letter before the outcome: a crash between leaves the ticket `retrying`, and the job is buried again.
    async bury(job, reason, attempts) {
      if (await succeeds(attempt(job))) return;
      await deps.keepDeadLetter(job, reason, attempts);
      await end(deps, job, { outcome: { status: 'failed', reason: reason.slice(0, 64) } });
    },
  };
}

/** False when the work failed for good. What may still end well is thrown on: a letter beside a row would be a lie. */
async function succeeds(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (isFault(error) && error.retryable) throw error;
    return false;
  }
}

function rowOf(deps: RetrierDeps, { campaign, epoch, seq, unit, user, admittedAt }: RetryJob): IssuanceRow {
  return { campaign, epoch, seq, unit, user, admittedAt, code: couponCode(deps.couponKey, campaign, unit) };
}

/** Makes the outcome visible. A retry may run before its entry was settled as `retrying`: then it must come again. */
async function end(deps: RetrierDeps, job: RetryJob, ended: Renumbered | undefined): Promise<void> {
  if (await deps.gate.resolve(job.campaign, job.seq, ended?.outcome, ended?.returnedUnit)) return;
  const shape = await deps.shapeOf(job.campaign);
  if (shape === undefined || shape.epoch !== job.epoch) return;
  const tag = userTag(job.campaign, job.user);
  const outcome = await deps.gate.outcome(shape, { ...job, tag });
  if (outcome.status === 'queued') throw new Fault('conflict', 'its entry is not settled yet', { retryable: true });
}
