// Tickets that were given back while somebody still held them: never issued again.

import type { Cancellation, GivenBack } from '../src/domain/cancellation.ts';
import { userTag } from '../src/domain/ids.ts';
import type { RetryJob } from '../src/domain/retry-job.ts';
import type { Gate, GateShape } from '../src/redis/gate.ts';
import type { Returns } from '../src/redis/returns.ts';

export interface CancellingDeps {
  gate: Pick<Gate, 'outcome'>;
  returns: Pick<Returns, 'giveBack'>;
  shapeOf: (campaign: string) => Promise<GateShape | undefined>;
  cancellations: {
    /** Cancels the ticket in the ledger, whether or not an attempt has issued it. */
    cancelRetried: (given: GivenBack) => Promise<Cancellation>;
    /** The cancellation of this user's ticket. */
    of: (campaign: string, user: string) => Promise<Cancellation | undefined>;
    markReturned: (cancellation: Cancellation) => Promise<void>;
  };
}

/**
 * True when the ticket of a retry is cancelled: because its user gave it back meanwhile, or because that was done before
 * this attempt began. The ledger first, then the gate, then the note that the unit went back; each may be done again.
 */
export async function cancelIfGivenBack(deps: CancellingDeps, job: RetryJob): Promise<boolean> {
  const { campaign, epoch, seq, user, unit } = job;
  const tag = userTag(campaign, user);
  const shape = await deps.shapeOf(campaign);
  const outcome = shape && (await deps.gate.outcome(shape, tag)).outcome;
  const cancellation =
    outcome?.status === 'cancelling'
      ? await deps.cancellations.cancelRetried({ campaign, tag, user, unit, names: [{ epoch, seq }] })
      : await deps.cancellations.of(campaign, user);
  if (cancellation === undefined) return false;
  if (shape !== undefined) {
    await deps.returns.giveBack(shape, cancellation);
    await deps.cancellations.markReturned(cancellation);
  }
  return true;
}

/** Those of `users` whose ticket of the campaign is cancelled. */
export type CancelledUsers = (campaign: string, users: readonly string[]) => Promise<ReadonlySet<string>>;

/**
 * Those of `users` whose ticket was cancelled while a worker stood still with its batch. Another one had claimed the batch
 * and issued it, the user gave the ticket back, and the ledger has no row left that would stop a second one. A worker that
 * stands still between this question and its INSERT is not caught.
 */
export async function cancelledAmong(
  cancelled: CancelledUsers,
  campaign: string,
  users: readonly string[],
): Promise<ReadonlySet<string>> {
  return users.length === 0 ? new Set() : cancelled(campaign, users);
}
