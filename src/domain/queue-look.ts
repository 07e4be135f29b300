// What waits for workers, over all campaigns, as one look at Redis finds it.

export interface QueueLook {
  /** Tickets that are admitted and not settled. */
  backlog: number;
  /** The same of each campaign that has some. */
  byCampaign: ReadonlyMap<string, number>;
  /** By the number of the shard: tickets that no worker has received, and those that a worker has and has not settled. */
  shards: readonly { undelivered: number; pending: number }[];
  /** Ms since the oldest of them was admitted; 0 when none waits. */
  oldestWaitMs: number;
}
