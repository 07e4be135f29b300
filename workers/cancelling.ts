// Tickets that were given back while they are retried: never issued.
import type { Cancellation, GivenBack } from '../src/domain/cancellation.ts';
import { userTag } from '../src/domain/ids.ts';
import type { RetryJob } from '../src/domain/retry-job.ts';
import type { Gate, GateShape, Returns } from '../src/gate/port.ts';

export interface CancellingDeps {
  gate: Pick<Gate, 'outcome'>;
  returns: Pick<Returns, 'giveBack'>;
  shapeOf: (campaign: string) => Promise<GateShape | undefined>;
  cancellations: {
    /** Cancels the ticket in the ledger, whether or not an attempt has issued it, and says which unit goes back. */
    cancelRetried: (given: GivenBack) => Promise<Cancellation | undefined>;
    /** The cancellation of this user's ticket. */
    of: (campaign: string, user: string) => Promise<Cancellation | undefined>;
    markReturned: (cancellation: Cancellation) => Promise<void>;
  };
}

/**
 * True when the ticket of a retry is cancelled: because its user gave it back meanwhile, or because that was done before
 * this attempt began. The gate knows of it, or the ledger, which a rebuild of the gate does not change. The ledger first, then the gate, then the note that the unit went back; each may be done again.
 */
export async function cancelIfGivenBack(deps: CancellingDeps, job: RetryJob): Promise<boolean> {
  const { campaign, epoch, seq, user, unit } = job;
  const tag = userTag(campaign, user);
  const shape = await deps.shapeOf(campaign);
  const outcome = shape && (await deps.gate.outcome(shape, tag)).outcome;
  const isGivenBack = outcome?.status === 'cancelling' || (await deps.cancellations.of(campaign, user)) !== undefined;
  if (!isGivenBack) return false;
  const cancellation = await deps.cancellations.cancelRetried({ campaign, tag, user, unit, names: [{ epoch, seq }] });
  if (cancellation === undefined) return false;
  if (shape !== undefined) {
    await deps.returns.giveBack(shape, cancellation);
    await deps.cancellations.markReturned(cancellation);
  }
  return true;
}
