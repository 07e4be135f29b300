// Compares the stores of every live campaign once a minute, read-only, and tells what it found. Repairing is a person's.
import type { StoredCampaign } from '../src/domain/campaign.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import { mismatchCount, type ReconcileReport } from '../src/recovery/report.ts';

export interface ReconcilerDeps {
  listLiveCampaigns: () => Promise<StoredCampaign[]>;
  /** Whether it is this worker's turn with a campaign: for `ms` nobody else's. */
  takeTurn: (campaign: string, ms: number) => Promise<boolean>;
  look: (campaign: string) => Promise<ReconcileReport | undefined>;
  /** Differences over the campaigns of the last round, and tickets that nobody has asked for since they were lost. */
  onRound: (mismatches: number, lost: number) => void;
  onMismatch: (report: ReconcileReport) => void;
  onError: (error: unknown) => void;
}

export async function keepReconciling(deps: ReconcilerDeps, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await pause(limits.reconcileMs, stopping);
    if (!stopping.aborted) await round(deps, stopping).catch(deps.onError);
  }
}

/** One that cannot be compared does not hold up the others. */
async function round(deps: ReconcilerDeps, stopping: AbortSignal): Promise<void> {
  let mismatches = 0;
  let lost = 0;
  for (const { id, stock } of await deps.listLiveCampaigns()) {
    // It holds every ticket in memory once; one campaign beyond that is for a person to ask for.
    if (stopping.aborted || stock > limits.reconcileStockMax) continue;
    try {
      if (!(await deps.takeTurn(id, limits.reconcileMs / 2))) continue;
      const report = await deps.look(id);
      if (report === undefined) continue;
      mismatches += mismatchCount(report);
      lost += report.counts['ticket-lost'] ?? 0;
      if (mismatchCount(report) > 0) deps.onMismatch(report);
    } catch (error) {
      deps.onError(error);
    }
  }
  deps.onRound(mismatches, lost);
}
