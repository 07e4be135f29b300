// What waits for a worker, over all campaigns.

/** Tickets that are admitted and not settled, delivered to a worker or not; tickets in the retry queue are not among them. */
export interface Waiting {
  ticketCount: number;
  /** Campaigns that have such tickets. */
  campaignCount: number;
  /** Ms since the oldest of these tickets was admitted, by Redis's clock; 0 when none waits. */
  oldestWaitMs: number;
}

export interface WaitingCampaign {
  id: string;
  /** Tickets that wait, and that are settled; together those that its gate has given out. */
  ticketCount: number;
  settledCount: number;
  /** 0 where the entry of its oldest ticket was gone when it was looked for. */
  oldestWaitMs: number;
}

/** What waits, and the campaigns with the most of it. */
export interface WaitingTickets extends Waiting {
  /** The most tickets first; at most `limits.busiestMax`. */
  busiest: readonly WaitingCampaign[];
}

/** The body of `/backlog`: numbers, whatever waits. */
export const backlogBody = ({ ticketCount, campaignCount, oldestWaitMs }: Waiting) => ({
  tickets: ticketCount,
  campaigns: campaignCount,
  oldestWaitMs,
});
