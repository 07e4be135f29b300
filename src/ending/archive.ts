// Archives a campaign that is over: its keys leave Redis, its tickets are answered from the ledger.
//
// Order of effects, and what a crash between two of them does:
//   lease                              nothing; it ends by itself
//   cancellations of the gate alone    the ledger has them; nothing else changed
//   campaign locked, nothing open      nothing
//   gate shut under epoch + 1          the ledger does not know that epoch: archived by the next look, or, where a recoverer
//                                      comes first, rebuilt as any damaged gate, drained and archived later
//   archived, epoch + 1 in the ledger  nobody misses the gate any more; a look after `limits.keysDeletedAgainMs` deletes its keys
//   keys deleted, the gate first       that look deletes the rest
//   deletion noted                     nothing is left to do

import type { Campaign, StoredCampaign } from '../domain/campaign.ts';
import type { EndObstacle } from '../domain/campaign-end.ts';
import { isOver } from '../domain/campaign-life.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { RetryJob } from '../domain/retry-job.ts';
import type { GateContents, GateCount, GateEnd, GateLocks, ReadGates } from '../gate/port.ts';
import { keepOwnCancellations, type OwnCancellationsDeps } from '../giving-back/own-cancellations.ts';

export interface ArchiveDeps {
  locks: Pick<GateLocks, 'lease'>;
  end: Pick<GateEnd, 'shut' | 'deleteKeys'>;
  contents: GateContents;
  readGates: ReadGates;
  listRetries: (campaign: string) => Promise<RetryJob[]>;
  ledger: {
    get: (campaign: string) => Promise<StoredCampaign | undefined>;
    /** See `archiveCampaign` of ledger/ends.ts. */
    archive: (
      campaign: string,
      actor: string,
      shut: (campaign: Campaign, to: number) => Promise<GateCount | undefined>,
    ) => Promise<EndObstacle | undefined>;
    obstacle: (campaign: StoredCampaign) => Promise<EndObstacle | undefined>;
    listWithKeys: (restMs: number) => Promise<StoredCampaign[]>;
    markKeysDeleted: (campaign: string) => Promise<void>;
    expectKeys: (campaign: string) => Promise<void>;
  } & OwnCancellationsDeps['ledger'];
}

/**
 * Archives the campaign and deletes its keys; undefined once it is archived, now or before. Otherwise why it is not, and
 * nothing changed. Throws a Fault: `not-found`, or a retryable one; then the next call goes on.
 */
export async function archive(
  deps: ArchiveDeps,
  id: string,
  actor: string,
  worker: string,
): Promise<EndObstacle | undefined> {
  const campaign = await deps.ledger.get(id);
  if (campaign === undefined) throw new Fault('not-found', 'There is no such campaign');
  if (isOver(campaign)) {
    // An old Redis may have been put back, with its keys.
    await deps.ledger.expectKeys(id);
  } else {
    const obstacle = await shutAndArchive(deps, campaign, actor, worker);
    if (obstacle !== undefined) return obstacle;
  }
  await deps.end.deleteKeys(campaign);
  return undefined;
}

/** Beside no recoverer and no other archive: both hold the lease of the gate's builder. */
async function shutAndArchive(
  deps: ArchiveDeps,
  campaign: StoredCampaign,
  actor: string,
  worker: string,
): Promise<EndObstacle | undefined> {
  const { id } = campaign;
  const obstacle = await archiveObstacle(deps, campaign);
  if (obstacle !== undefined) return obstacle;
  await using lease = await deps.locks.lease(id, worker);
  if (lease === undefined) return 'gate';
  const [view] = await deps.readGates([id]);
  if (view === undefined) return 'gate';
  await keepOwnCancellations(deps, campaign, view);
  return deps.ledger.archive(id, actor, (locked, to) => deps.end.shut(locked, to).catch(notNow));
}

/** Why the campaign cannot be archived now, as far as can be told without its gate. */
export async function archiveObstacle(
  { ledger, listRetries }: Pick<ArchiveDeps, 'ledger' | 'listRetries'>,
  campaign: StoredCampaign,
): Promise<EndObstacle | undefined> {
  const obstacle = await ledger.obstacle(campaign);
  if (obstacle !== undefined || isOver(campaign)) return obstacle;
  return (await listRetries(campaign.id)).length > 0 ? 'retries' : undefined;
}

/** A gate that waits for its recoverer is no fault of the archive. */
function notNow(error: unknown): undefined {
  if (isFault(error, 'stale-epoch') || isFault(error, 'gate-unverified') || isFault(error, 'gate-missing')) return;
  throw error;
}

/**
 * Deletes what is left of the keys of campaigns that were archived more than `restMs` ago, and notes it. Until then a process
 * that has not heard of the end may write one. Returns how many keys there were.
 */
export async function deleteLeftKeys(
  { ledger, end }: Pick<ArchiveDeps, 'ledger' | 'end'>,
  restMs: number,
  stopping: AbortSignal,
): Promise<number> {
  let count = 0;
  for (;;) {
    const some = await ledger.listWithKeys(restMs);
    if (some.length === 0) return count;
    for (const campaign of some) {
      if (stopping.aborted) return count;
      count += await end.deleteKeys(campaign);
      await ledger.markKeysDeleted(campaign.id);
    }
  }
}
