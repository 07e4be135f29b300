// What a round of comparing the stores found, over its campaigns.

export interface ComparisonSums {
  /** Differences that something is wrong with. */
  mismatches: number;
  /** Tickets that Redis lost, and whose holders have not polled since. */
  lost: number;
  /** Tickets that the gate promises to buyers, and that no row, no queue and no dead letter has. */
  unissued: number;
}

/** The same, and what the round left out. */
export interface RoundSums extends ComparisonSums {
  /** Live campaigns of more than `limits.reconcileStockMax` units; no round compares them. */
  tooLarge: number;
}
