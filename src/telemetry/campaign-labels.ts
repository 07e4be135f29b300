// Which campaigns are a label of their own: those of METRICS_CAMPAIGNS, or else the busiest. A label for each campaign would
// let anyone who may create campaigns fill Prometheus.
import { limits } from '../process/limits.ts';

export interface CampaignLabels {
  /** The label under which something about this campaign is counted now: its id, or `other`. Counts one use of it. */
  of: (campaign: string) => string;
  /** Ids that are labels now. */
  named: () => readonly string[];
  /** Calls `listener` with each id that stops being a label, because a busier campaign takes its place. */
  onRemoved: (listener: (campaign: string) => void) => void;
}

/** What a campaign without a label is counted as. */
const OTHER = 'other';
/** Campaigns without a label whose uses are counted until the next comparison; the rest can be labels a round later. */
const CANDIDATES_MAX = 1_000;

/**
 * With `allowed` it is those and no others. Else the first `limits.labelledCampaignsMax` that are used become labels at
 * once; then, at most once in `limits.labelledCampaignsMs`, the busiest others take the places of the labels that were
 * used less. What was counted as `other` stays there: a counter must not fall.
 */
export function createCampaignLabels(
  allowed: readonly string[] | undefined,
  clock: () => number = () => performance.now(),
): CampaignLabels {
  const uses = new Map<string, number>(allowed?.map((id) => [id, 0]));
  const candidates = new Map<string, number>();
  const listeners: ((campaign: string) => void)[] = [];
  let comparedAt = clock();

  function compare(): void {
    comparedAt = clock();
    const busiest = [...candidates].toSorted((one, other) => other[1] - one[1]);
    for (const [id, count] of busiest) {
      const [least, leastCount] = [...uses].reduce((one, other) => (other[1] < one[1] ? other : one));
      if (leastCount >= count) break;
      uses.delete(least);
      uses.set(id, count);
      for (const listener of listeners) listener(least);
    }
    candidates.clear();
    for (const id of uses.keys()) uses.set(id, 0);
  }

  return {
    of(campaign) {
      // An id may be that word, too.
      if (campaign === OTHER) return OTHER;
      const count = uses.get(campaign);
      if (count !== undefined) {
        uses.set(campaign, count + 1);
        return campaign;
      }
      if (allowed !== undefined) return OTHER;
      if (uses.size < limits.labelledCampaignsMax) {
        uses.set(campaign, 1);
        return campaign;
      }
      const before = candidates.get(campaign);
      if (before !== undefined || candidates.size < CANDIDATES_MAX) candidates.set(campaign, (before ?? 0) + 1);
      if (clock() - comparedAt >= limits.labelledCampaignsMs) compare();
      return uses.has(campaign) ? campaign : OTHER;
    },
    named: () => [...uses.keys()],
    onRemoved: (listener) => listeners.push(listener),
  };
}
