// What a comparison of the stores comes to: counts by kind, and examples of each.
import type { ComparisonSums } from '../domain/comparison-sums.ts';
import type { Difference, DifferenceKind } from './differences.ts';

export interface ReconcileReport {
  campaign: string;
  /** Only kinds that were found. */
  counts: Partial<Record<DifferenceKind, number>>;
  /** The first of each kind. */
  examples: Difference[];
}

/** Differences told of each kind; a campaign with a lost ledger has as many as tickets. */
const EXAMPLES_PER_KIND = 100;

export function reportOf(campaign: string, differences: readonly Difference[]): ReconcileReport {
  const byKind = Map.groupBy(differences, ({ kind }) => kind);
  return {
    campaign,
    counts: Object.fromEntries([...byKind].map(([kind, found]) => [kind, found.length])),
    examples: [...byKind.values()].flatMap((found) => found.slice(0, EXAMPLES_PER_KIND)),
  };
}

/** A lost ticket is none of them: its holder gets it back by asking, and nothing else does. */
const UNISSUED: readonly DifferenceKind[] = ['issued-without-row', 'retry-without-job', 'failed-without-letter'];

/** What a comparison of one campaign found. */
export const foundIn = (report: ReconcileReport): ComparisonSums => ({
  mismatches: mismatchCount(report),
  lost: report.counts['ticket-lost'] ?? 0,
  unissued: UNISSUED.reduce((sum, kind) => sum + (report.counts[kind] ?? 0), 0),
});

/** Differences that something is wrong with. A ticket nobody has asked for since Redis lost it is none of them. */
const mismatchCount = ({ counts }: ReconcileReport): number =>
  Object.entries(counts).reduce((sum, [kind, count]) => (kind === 'ticket-lost' ? sum : sum + count), 0);
