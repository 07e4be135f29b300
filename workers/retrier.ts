// Tries single tickets again, and keeps as dead letters those that failed for good. What its user gave back meanwhile it
// cancels instead.
import type { DeadLetter, Keeping } from '../src/domain/dead-letter.ts';
import { type Failure, NO_UNIT_LEFT } from '../src/domain/failure.ts';
import { Fault, failureOf, isFault } from '../src/domain/fault.ts';
import { userTag } from '../src/domain/ids.ts';
import type { IssueResult } from '../src/domain/issuance.ts';
import type { RetryJob } from '../src/domain/retry-job.ts';
import { keptTraceOf } from '../src/domain/trace-context.ts';
import type { Gate, GateShape, Returns } from '../src/gate/port.ts';
import { type Ended, endedAs, type Refused, renumber } from '../src/issuing/renumber.ts';
import { type IssuingDeps, issueRows, rowOf } from '../src/issuing/rows.ts';
import type { RetryWork } from '../src/retry/port.ts';
import { inRetrySettleSpan, type RetryTraces } from '../src/telemetry/retry-trace.ts';
import { type CancellingDeps, cancelIfGivenBack } from './cancelling.ts';

export interface RetrierDeps extends CancellingDeps, IssuingDeps {
  gate: Pick<Gate, 'outcome' | 'resolve' | 'takeUnit' | 'returnUnit'>;
  returns: Pick<Returns, 'giveBack' | 'redrive'>;
  traces: RetryTraces;
  /** Resolves when the ledger is not known to be away, or `stopping` aborts. */
  untilLedgerUp: (stopping: AbortSignal) => Promise<void>;
  /** A retryable `stale-epoch` Fault, and nothing kept, once the campaign is in another epoch than the one given. */
  keepDeadLetter: (letter: DeadLetter, epoch: number) => Promise<Keeping>;
  /** Takes a ticket that a retry issued. */
  onIssued: (job: RetryJob) => void;
  /** Whether the campaign is archived. */
  isOver: (campaign: string) => Promise<boolean>;
}

export function createRetryWork(deps: RetrierDeps): RetryWork {
  const attempt = async (job: RetryJob): Promise<void> => {
    // Before it is asked whether the ticket was given back: what is given back later, to a gate of a later epoch, stops this.
    const shape = await shapeOf(deps, job.campaign);
    if (shape === undefined) return;
    const { epoch } = shape;
    if (await cancelIfGivenBack(deps, job)) return;
    const row = rowOf(deps, job);
    const [result] = (await issueRows(deps, [row], epoch)) as [IssueResult];
    switch (result.kind) {
      case 'issued':
      case 'already':
        // With its unit: a ticket that was restored meanwhile has another one in the gate, or none.
        return endIssued(deps, job, { outcome: { status: 'issued-renumbered', unit: row.unit } });
      case 'duplicate':
      case 'kept':
        return end(deps, job, endedAs(result, row.unit));
      case 'unit-taken': {
        const renumbered = await renumber(deps, row, epoch);
        if (renumbered === undefined) {
          throw new Fault('conflict', NO_UNIT_LEFT, { failure: { reason: NO_UNIT_LEFT, detail: '' } });
        }
        if ('kind' in renumbered) throw refusal(renumbered);
        if (renumbered.outcome.status === 'cancelled') return void (await cancelIfGivenBack(deps, job));
        return endIssued(deps, job, renumbered);
      }
      case 'cancelled':
        // Given back since it was asked above.
        return void (await cancelIfGivenBack(deps, job));
      case 'bad-row':
        throw refusal(result);
    }
  };
  const traced = (job: RetryJob) => deps.traces.attempt(job, () => attempt(job));
  return { untilAble: deps.untilLedgerUp, attempt: traced, bury: (...buried) => bury(deps, traced, ...buried) };
}

/**
 * One attempt more, because the last one may have committed the row and died before it could say so; then the letter, then
 * the outcome. A crash between the two leaves the ticket `retrying`, and the job is buried again: the attempt finds the
 * letter and shows the outcome. Of two workers who bury one job, one with a row and one with a letter, the ledger takes
 * only the first, and the other one shows what stands.
 */
async function bury(
  deps: RetrierDeps,
  attempt: RetryWork['attempt'],
  job: RetryJob,
  failure: Failure,
  attempts: number,
): Promise<void> {
  const shape = await shapeOf(deps, job.campaign);
  if (shape === undefined) return;
  const { outcome: found } = await deps.gate.outcome(shape, userTag(job.campaign, job.user));
  // No letter is redriven or discarded before its entry is settled: settling would show `retrying` after that.
  if (found.status === 'queued') throw new Fault('conflict', 'its entry is not settled yet', { retryable: true });
  const latest = await failureOfWork(attempt(job));
  if (latest === undefined) return;
  // The letter of a ticket whose unit is somebody else's has no unit to give back.
  const unit = [failure, latest].some(({ reason }) => reason === NO_UNIT_LEFT) ? 0 : job.unit;
  const kept = await deps.traces.giveUp({ ...job, ...failure }, (traceparent) =>
    deps.keepDeadLetter(letterOf({ ...job, unit, traceparent }, failure, attempts), shape.epoch),
  );
  switch (kept.kind) {
    case 'kept':
      return end(deps, job, { outcome: { status: 'failed', reason: kept.reason } });
    case 'issued':
      return end(deps, job, endedAs({ ...kept, kind: 'duplicate' }, job.unit));
    case 'cancelled':
      return void (await cancelIfGivenBack(deps, job));
    case 'moved-on':
      return;
  }
}

const refusal = ({ reason, detail }: Refused): Fault =>
  new Fault('invalid', `${reason}: ${detail}`, { failure: { reason, detail } });

const letterOf = ({ traceparent, ...job }: RetryJob, failure: Failure, attempts: number): DeadLetter => ({
  ...job,
  ...failure,
  attempts,
  ...keptTraceOf(traceparent),
});

/** Why the work failed for good; undefined when it did not. What may still end well is thrown on. */
async function failureOfWork(work: Promise<void>): Promise<Failure | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isFault(error) && error.retryable) throw error;
    return failureOf(error);
  }
}

/**
 * Undefined for an archived campaign: each of its tickets has its end, so that a job which a worker scheduled too late has
 * nothing to do, and goes with the buyer's id in it.
 */
async function shapeOf(deps: RetrierDeps, campaign: string): Promise<GateShape | undefined> {
  const shape = await deps.shapeOf(campaign);
  if (shape !== undefined) return shape;
  if (await deps.isOver(campaign)) return undefined;
  throw new Fault('gate-missing', 'the gate is being rebuilt', { retryable: true });
}

async function endIssued(deps: RetrierDeps, job: RetryJob, ended: Ended): Promise<void> {
  await end(deps, job, ended);
  if (ended.outcome.status === 'issued-renumbered') deps.onIssued(job);
}

/** Makes the outcome visible. A retry may run before its entry was settled as `retrying`: then it must come again. */
async function end(deps: RetrierDeps, job: RetryJob, ended: Ended): Promise<void> {
  const shape = await shapeOf(deps, job.campaign);
  if (shape === undefined) return;
  const tag = userTag(job.campaign, job.user);
  const show = () => deps.gate.resolve(shape, tag, ended.outcome, ended.returnedUnit);
  if (await inRetrySettleSpan(job.campaign, show)) return;
  const { outcome } = await deps.gate.outcome(shape, tag);
  if (outcome.status === 'queued')
    throw new Fault('conflict', 'the entry of this ticket is not settled yet', { retryable: true });
  if (outcome.status === 'retrying')
    throw new Fault('conflict', 'the entry of this ticket was settled during the retry', { retryable: true });
  if (outcome.status === 'cancelling')
    throw new Fault('conflict', 'the buyer gave the ticket back during the retry', { retryable: true });
  if (outcome.status === 'failed' && ended.outcome.status !== 'failed') {
    // A late word of an earlier life was faster; it comes again and is told.
    await deps.returns.redrive(shape, tag);
    throw new Fault('conflict', 'the gate marked the ticket failed during the retry', { retryable: true });
  }
}
