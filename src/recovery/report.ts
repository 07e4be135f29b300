// What a comparison of the stores comes to: counts by kind, and examples of each.
import type { Difference, DifferenceKind } from './reconcile.ts';

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

/** Differences that something is wrong with. A ticket nobody has asked for since Redis lost it is none of them. */
export const mismatchCount = ({ counts }: ReconcileReport): number =>
  Object.entries(counts).reduce((sum, [kind, count]) => (kind === 'ticket-lost' ? sum : sum + count), 0);
