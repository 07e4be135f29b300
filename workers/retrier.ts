// Tries single tickets again, and keeps as dead letters those that failed for good. What its user gave back meanwhile it
// cancels instead.
import { couponCode } from '../src/domain/coupon.ts';
import { Fault, isFault } from '../src/domain/fault.ts';
import { userTag } from '../src/domain/ids.ts';
import type { IssuanceRow, IssueResult } from '../src/domain/issuance.ts';
import type { RetryJob } from '../src/domain/retry-job.ts';
import type { Gate, GateShape, Returns } from '../src/gate/port.ts';
import { issuedAs, NO_UNIT_LEFT, type Renumbered, renumber } from '../src/issuing/renumber.ts';
import { type IssuingDeps, issueRows } from '../src/issuing/rows.ts';
import type { RetryWork } from '../src/retry/port.ts';
import { type CancellingDeps, cancelIfGivenBack } from './cancelling.ts';

export interface RetrierDeps extends CancellingDeps, IssuingDeps {
  gate: Pick<Gate, 'outcome' | 'resolve' | 'takeUnit' | 'returnUnit'>;
  returns: Pick<Returns, 'giveBack' | 'redrive'>;
  /** Resolves when the ledger is not known to be away, or `stopping` aborts. */
  untilLedgerUp: (stopping: AbortSignal) => Promise<void>;
  /** False when the letter has moved on: what failed was an attempt of before its last redrive. */
  keepDeadLetter: (job: RetryJob, failure: Failure, attempts: number) => Promise<boolean>;
}

/** Why a ticket was given up: a stable slug, and what the ledger said. */
export interface Failure {
  reason: string;
  detail: string;
}

export function createRetryWork(deps: RetrierDeps): RetryWork {
  const attempt = async (job: RetryJob): Promise<void> => {
    // Before it is asked whether the ticket was given back: what is given back later, to a gate of a later epoch, stops this.
    const { epoch } = await shapeOf(deps, job.campaign);
    if (await cancelIfGivenBack(deps, job)) return;
    const row = rowOf(deps, job);
    const [result] = (await issueRows(deps, [row], epoch)) as [IssueResult];
    switch (result.kind) {
      case 'issued':
      case 'already':
        // With its unit: a ticket that was restored meanwhile has another one in the gate, or none.
        return end(deps, job, { outcome: { status: 'issued-renumbered', unit: row.unit } });
      case 'duplicate':
        return end(deps, job, issuedAs(result, row.unit));
      case 'unit-taken': {
        const renumbered = await renumber(deps, row, epoch);
        if (renumbered === undefined) throw new Fault('conflict', NO_UNIT_LEFT);
        if (renumbered.outcome.status === 'cancelled') return void (await cancelIfGivenBack(deps, job));
        return end(deps, job, renumbered);
      }
      case 'cancelled':
        // Given back since it was asked above.
        return void (await cancelIfGivenBack(deps, job));
      case 'bad-row':
        throw new Fault('invalid', `${result.reason}: ${result.detail}`);
    }
  };
  return {
    untilAble: deps.untilLedgerUp,
    attempt,
    // One attempt more: the last one may have committed the row and died before it could say so.
    // The letter before the outcome: a crash between leaves the ticket `retrying`, and the job is buried again.
    async bury(job, reason, attempts) {
      if (await succeeds(attempt(job))) return;
      const failure = failureOf(reason);
      // The letter of a ticket whose unit is somebody else's has no unit to give back.
      const letter = failure.reason === NO_UNIT_LEFT ? { ...job, unit: 0 } : job;
      if (!(await deps.keepDeadLetter(letter, failure, attempts))) return;
      await end(deps, job, { outcome: { status: 'failed', reason: failure.reason } });
    },
  };
}

/** BullMQ keeps one line of text: `slug: detail`. */
function failureOf(text: string): Failure {
  const [reason = '', ...rest] = text.split(': ');
  return { reason: reason.slice(0, 64), detail: rest.join(': ') };
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
  const code = couponCode(deps.couponKey, campaign, unit, userTag(campaign, user));
  return { campaign, epoch, seq, unit, user, admittedAt, code };
}

async function shapeOf(deps: RetrierDeps, campaign: string): Promise<GateShape> {
  const shape = await deps.shapeOf(campaign);
  if (shape === undefined) throw new Fault('gate-missing', 'the gate is being rebuilt', { retryable: true });
  return shape;
}

/** Makes the outcome visible. A retry may run before its entry was settled as `retrying`: then it must come again. */
async function end(deps: RetrierDeps, job: RetryJob, ended: Renumbered): Promise<void> {
  const shape = await shapeOf(deps, job.campaign);
  const tag = userTag(job.campaign, job.user);
  if (await deps.gate.resolve(shape, tag, ended.outcome, ended.returnedUnit)) return;
  const { outcome } = await deps.gate.outcome(shape, tag);
  if (outcome.status === 'queued') throw new Fault('conflict', 'its entry is not settled yet', { retryable: true });
  if (outcome.status === 'cancelling') throw new Fault('conflict', 'given back meanwhile', { retryable: true });
  if (outcome.status === 'failed' && ended.outcome.status !== 'failed') {
    // A late word of an earlier life was faster; it comes again and is told.
    await deps.returns.redrive(shape, tag);
    throw new Fault('conflict', 'told as failed meanwhile', { retryable: true });
  }
}
