// Redriving one dead letter: the same ticket again, by the retrier.
//
// Order of effects, and what a crash between two of them leaves:
//   1 the letter is claimed in the ledger (kept → redriving, audited)   of two operators one gets it
//   2 the gate shows it as `retrying` again                            crash before: `failed` is shown a while longer
//   3 BullMQ has a job, named after the letter and its redrive         crash before: `retrying` without a job
//   4 the letter is `redriven`                                         crash before: the job exists, or has run already
// The finisher takes a letter that is `redriving` for long through 2 to 4 again: each does nothing when it was done. Once
// the job has run, 2 finds neither `failed` nor `retrying`; when it failed again, the letter is kept and not to be found.

import { isRedrivable, type RedrivableLetter, type StoredDeadLetter } from '../domain/dead-letter.ts';
import { Fault } from '../domain/fault.ts';
import { userTag } from '../domain/ids.ts';
import type { RetryJob } from '../domain/retry-job.ts';
import { continuingTraceparent } from '../domain/trace-context.ts';
import type { ReadGates, Returns } from '../gate/port.ts';

/** What a redrive needs of the ledger. */
export interface RedriveStore {
  endRedrive(letter: StoredDeadLetter, state: 'redriven' | 'kept' | 'discarded'): Promise<void>;
  isIssued(campaign: string, user: string): Promise<boolean>;
}

export interface RedriveDeps {
  store: RedriveStore;
  returns: Pick<Returns, 'redrive'>;
  readGates: ReadGates;
  scheduleRetry: (job: RetryJob) => Promise<void>;
}

/** Why a letter is kept that somebody wanted redriven. */
export type NotRedriven = 'not-redrivable' | 'not-settled-yet' | 'unknown-to-the-gate';

/** Steps 2 to 4 for a claimed letter. Throws a retryable Fault when they cannot be finished now. */
export async function driveLetter(deps: RedriveDeps, letter: StoredDeadLetter): Promise<'redriven' | NotRedriven> {
  const [shape] = await deps.readGates([letter.campaign]);
  if (shape === undefined) throw new Fault('gate-missing', 'this campaign has no gate', { retryable: true });
  if (!isRedrivable(letter)) return keep(deps, letter, 'not-redrivable');
  const found = await deps.returns.redrive(shape, userTag(letter.campaign, letter.user));
  switch (found) {
    case 'retrying':
    case 'cancelling':
      await deps.scheduleRetry(jobOf(letter));
      break;
    case 'none':
      // Issued as promised; or the entry is not acked yet, and whoever acks it will show what became of it.
      if (!(await deps.store.isIssued(letter.campaign, letter.user))) return keep(deps, letter, 'not-settled-yet');
      break;
    case 'issued-renumbered':
      break;
    case 'cancelled':
      await deps.store.endRedrive(letter, 'discarded');
      return 'redriven';
    case 'lost':
      return keep(deps, letter, 'unknown-to-the-gate');
  }
  await deps.store.endRedrive(letter, 'redriven');
  return 'redriven';
}

async function keep(deps: RedriveDeps, letter: StoredDeadLetter, why: NotRedriven): Promise<NotRedriven> {
  await deps.store.endRedrive(letter, 'kept');
  return why;
}

function jobOf(letter: RedrivableLetter): RetryJob {
  const { campaign, epoch, seq, unit, user, admittedAt, reason, traceId, spanId, redriveCount } = letter;
  const traceparent = continuingTraceparent(traceId, spanId);
  return { campaign, epoch, seq, unit, user, admittedAt, reason, traceparent, redriveCount };
}
