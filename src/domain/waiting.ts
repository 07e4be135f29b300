// What waits for a worker, over all campaigns.

/** Tickets that are admitted and not settled, delivered to a worker or not; tickets in the retry queue are not among them. */
export interface Waiting {
  ticketCount: number;
  /** Campaigns that have such tickets. */
  campaignCount: number;
  /** Ms since the oldest of these tickets was admitted, by Redis's clock; 0 when none waits. */
  oldestWaitMs: number;
}

/** The body of `/backlog`: numbers, whatever waits. */
export const backlogBody = ({ ticketCount, campaignCount, oldestWaitMs }: Waiting) => ({
  tickets: ticketCount,
  campaigns: campaignCount,
  oldestWaitMs,
});
