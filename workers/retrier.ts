// Tries single tickets again, and keeps as dead letters those that failed for good.
import { couponCode } from '../src/domain/coupon.ts';
import { Fault } from '../src/domain/fault.ts';
import { userTag } from '../src/domain/ids.ts';
import type { IssuanceRow, IssueResult } from '../src/domain/issuance.ts';
import type { Exceptional } from '../src/domain/outcome.ts';
import type { Gate, GateShape } from '../src/redis/gate.ts';
import type { RetryJob, RetryWork } from '../src/retry/port.ts';
import { renumber } from './issuer.ts';

export interface RetrierDeps {
  gate: Pick<Gate, 'outcome' | 'resolve' | 'takeUnit'>;
  shapeOf: (campaign: string) => Promise<GateShape | undefined>;
  issueBatch: (rows: IssuanceRow[]) => Promise<IssueResult[]>;
  keepDeadLetter: (job: RetryJob, reason: string, attempts: number) => Promise<void>;
  couponKey: Buffer;
}

export function createRetryWork(deps: RetrierDeps): RetryWork {
  return {
    async attempt(job) {
      const row = rowOf(deps, job);
      const [result] = (await deps.issueBatch([row])) as [IssueResult];
      switch (result.kind) {
        case 'issued':
        case 'already':
          return end(deps, job, undefined);
        case 'duplicate':
          return end(deps, job, { status: 'issued', unit: result.unit }, result.unit === row.unit ? 0 : row.unit);
        case 'unit-taken': {
          const unit = await renumber(deps, row);
          if (unit === undefined) throw new Fault('conflict', 'no-unit-left');
          return end(deps, job, { status: 'issued', unit });
        }
        case 'bad-row':
          throw new Fault('invalid', result.reason);
      }
    },
    // The letter first: a crash before the outcome leaves the ticket `retrying`, and the job is buried again.
    async bury(job, reason, attempts) {
      await deps.keepDeadLetter(job, reason, attempts);
      await end(deps, job, { status: 'failed', reason: reason.slice(0, 64) });
    },
  };
}

function rowOf(deps: RetrierDeps, { campaign, epoch, seq, unit, user, admittedAt }: RetryJob): IssuanceRow {
  return { campaign, epoch, seq, unit, user, admittedAt, code: couponCode(deps.couponKey, campaign, unit) };
}

/** Makes the outcome visible. A retry may run before its entry was settled as `retrying`: then it must come again. */
async function end(deps: RetrierDeps, job: RetryJob, final: Exceptional | undefined, returnedUnit = 0): Promise<void> {
  if (await deps.gate.resolve(job.campaign, job.seq, final, returnedUnit)) return;
  const shape = await deps.shapeOf(job.campaign);
  if (shape === undefined || shape.epoch !== job.epoch) return;
  const tag = userTag(job.campaign, job.user);
  const outcome = await deps.gate.outcome(shape, { ...job, tag });
  if (outcome.status === 'queued') throw new Fault('conflict', 'its entry is not settled yet', { retryable: true });
}
