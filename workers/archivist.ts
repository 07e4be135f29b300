// Ends campaigns whose time is over: archives them, purges them, and deletes what either left behind. What a worker that
// died had begun, the next look of any worker goes on with; see src/ending/archive.ts and src/ledger/purges.ts.
import type { DueEnds, EndObstacle } from '../src/domain/campaign-end.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface ArchivistDeps {
  /** What is to be done at all. */
  findDue: () => Promise<DueEnds>;
  /** Ids of campaigns behind the id `after` whose time to be archived has come. */
  listToArchive: (after: string) => Promise<string[]>;
  /** Undefined when it is archived. */
  archive: (campaign: string) => Promise<EndObstacle | undefined>;
  /** Deletes what is left of the keys of archived campaigns. */
  deleteLeftKeys: (stopping: AbortSignal) => Promise<number>;
  listToPurge: () => Promise<string[]>;
  purge: (campaign: string) => Promise<EndObstacle | undefined>;
  /** Deletes what is left of the rows of purged campaigns. */
  deleteLeftRows: (stopping: AbortSignal) => Promise<void>;
  /** Erases buyers who asked for it while their campaign went on. Returns how many. */
  eraseLeft: () => Promise<number>;
  onEnded: (campaign: string, end: 'archived' | 'purged') => void;
  onError: (error: unknown) => void;
  /** Between two looks; another one in tests. */
  lookMs?: number;
}

export async function endCampaigns(deps: ArchivistDeps, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await look(deps, stopping).catch(deps.onError);
    await pause(deps.lookMs ?? limits.endLookMs, stopping);
  }
}

/** What follows from what is done here, such as the purge of what was archived, is for the next look. */
async function look(deps: ArchivistDeps, stopping: AbortSignal): Promise<void> {
  const due = await deps.findDue();
  // Each by itself: one that fails does not hold up the others.
  if (due.archive) await archiveDue(deps, stopping).catch(deps.onError);
  if (due.keys) await deps.deleteLeftKeys(stopping).catch(deps.onError);
  if (due.purge) await purgeDue(deps, stopping).catch(deps.onError);
  if (due.rows) await deps.deleteLeftRows(stopping).catch(deps.onError);
  if (due.erase) await deps.eraseLeft().catch(deps.onError);
}

async function archiveDue(deps: ArchivistDeps, stopping: AbortSignal): Promise<void> {
  for (let after = ''; !stopping.aborted; ) {
    const due = await deps.listToArchive(after);
    for (const id of due) {
      if (stopping.aborted) return;
      await archiveOne(deps, id).catch(deps.onError);
    }
    if (due.length < limits.endsPerLook) return;
    after = due.at(-1)!;
  }
}

async function archiveOne(deps: ArchivistDeps, id: string): Promise<void> {
  if ((await deps.archive(id)) === undefined) deps.onEnded(id, 'archived');
}

async function purgeDue(deps: ArchivistDeps, stopping: AbortSignal): Promise<void> {
  for (const id of await deps.listToPurge()) {
    if (stopping.aborted) return;
    if ((await deps.purge(id)) === undefined) deps.onEnded(id, 'purged');
  }
}
