// Compares the stores of live campaigns once a minute, read-only, and tells what it found. Repairing is a person's. Where
// there are many, those are compared whose gate has changed since, and a few of the quiet ones in turn.
import type { StoredCampaign } from '../src/domain/campaign.ts';
import type { ComparisonSums, RoundSums } from '../src/domain/comparison-sums.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import { foundIn, type ReconcileReport } from '../src/recovery/report.ts';

export interface ReconcilerDeps {
  /** Page by page. */
  liveCampaigns: () => AsyncIterable<StoredCampaign[]>;
  /** What of each gate changes with its tickets and settings; one read for a page of them. */
  marksOf: (campaigns: readonly StoredCampaign[]) => Promise<string[]>;
  /** Whether it is this worker's turn with a campaign, or still is: for `ms` nobody else's. */
  takeTurn: (campaign: string, ms: number) => Promise<boolean>;
  look: (campaign: string) => Promise<ReconcileReport | undefined>;
  /** What the last round found, over its campaigns, and how many it left out for their size. */
  onRound: (found: RoundSums) => void;
  onMismatch: (report: ReconcileReport) => void;
  onError: (error: unknown) => void;
  /** Ms of a clock that never steps. */
  now: () => number;
}

/** Campaigns of one round whose gate has changed, or in which something differed: some 20 ms each. */
const COMPARED_MAX = 200;
/** And of the others, whose keys somebody may have changed: 10,000 within 17 hours, for 0.3 % of a core. */
const QUIET_MAX = 10;

/**
 * A turn outlives the pause to the next round, in which its worker takes it again: where workers took turns with a campaign,
 * one would show 0 differences before the other shows them, and an alert would clear for a moment.
 */
const TURN_MS = 2 * limits.reconcileMs;
/** No gate says this of itself. */
const NO_MARK = '';

/** A comparison rests so many times as long as it took: a campaign of a million units is compared every few minutes. */
const REST_TIMES = 10;

interface Compared {
  /** What the gate said of itself before the comparison. */
  mark: string;
  round: number;
  differs: boolean;
  found: ComparisonSums;
  /** By `now` of the deps. */
  restsUntil: number;
}

const NOTHING: ComparisonSums = { mismatches: 0, lost: 0, unissued: 0 };

/** Returns how to do one round. */
export function createReconciling(deps: ReconcilerDeps): (stopping: AbortSignal) => Promise<void> {
  let compared = new Map<string, Compared>();
  let round = 0;

  /** Those that were compared longest ago first, and how many are too large. */
  async function chosen(): Promise<{ campaigns: { id: string; mark: string }[]; tooLarge: number }> {
    const live: { id: string; mark: string; round: number }[] = [];
    let tooLarge = 0;
    for await (const page of deps.liveCampaigns()) {
      // One campaign beyond that is for a person to ask for.
      const some = page.filter(({ stock }) => stock <= limits.reconcileStockMax);
      tooLarge += page.length - some.length;
      const marks = await deps.marksOf(some);
      for (const [index, { id }] of some.entries())
        live.push({ id, mark: marks[index]!, round: compared.get(id)?.round ?? 0 });
    }
    compared = new Map(live.flatMap(({ id }) => (compared.has(id) ? [[id, compared.get(id)!]] : [])));
    const all = live.toSorted((one, other) => one.round - other.round);
    const isBusy = ({ id, mark }: { id: string; mark: string }) => {
      const before = compared.get(id);
      return before === undefined || before.differs || before.mark !== mark;
    };
    const busy = all.filter((one) => isBusy(one)).slice(0, COMPARED_MAX);
    const quiet = all.filter((one) => !isBusy(one)).slice(0, QUIET_MAX);
    return { campaigns: [...busy, ...quiet], tooLarge };
  }

  /** Nothing found where another worker compares the campaign, and what was found last where its comparison rests. */
  async function lookInTurn(id: string, mark: string): Promise<Pick<Compared, 'found'>> {
    const none: Compared = { mark: NO_MARK, round, differs: false, found: NOTHING, restsUntil: 0 };
    const keep = (one: Compared): Compared => {
      compared.set(id, one);
      return one;
    };
    // Behind all others: another worker compares it.
    if (!(await deps.takeTurn(id, TURN_MS))) return keep(none);
    const before = compared.get(id);
    const startedAt = deps.now();
    if (before !== undefined && before.restsUntil > startedAt) return before;
    const report = await deps.look(id);
    if (report === undefined) return none;
    const found = foundIn(report);
    if (found.mismatches > 0) deps.onMismatch(report);
    const endedAt = deps.now();
    const restsUntil = endedAt + REST_TIMES * (endedAt - startedAt);
    return keep({ mark, round, differs: Object.keys(report.counts).length > 0, found, restsUntil });
  }

  return async (stopping) => {
    round += 1;
    const { campaigns, tooLarge } = await chosen();
    const sums = { mismatches: 0, lost: 0, unissued: 0, tooLarge };
    for (const { id, mark } of campaigns) {
      if (stopping.aborted) break;
      // One that cannot be compared does not hold up the others.
      try {
        const { found } = await lookInTurn(id, mark);
        sums.mismatches += found.mismatches;
        sums.lost += found.lost;
        sums.unissued += found.unissued;
      } catch (error) {
        deps.onError(error);
      }
    }
    deps.onRound(sums);
  };
}

export async function keepReconciling(deps: ReconcilerDeps, stopping: AbortSignal): Promise<void> {
  const reconcile = createReconciling(deps);
  while (!stopping.aborted) {
    await pause(limits.reconcileMs, stopping);
    if (!stopping.aborted) await reconcile(stopping).catch(deps.onError);
  }
}
