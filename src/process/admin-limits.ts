// The limits of what operators ask of many campaigns; part of limits.ts.
export const adminLimits = {
  /** Campaigns that one commit creates: as many as the admin listener has connections for; 20 ms of the ledger. */
  creationsPerCommit: 256,
  /** Campaigns of one page of the list: 200 kB. */
  campaignsPerPage: 500,
  /** A worker that died is followed after 30 s, and most retries come sooner: a ticket older than this waits for an operator. */
  backlogStandsMs: 60_000,
  /** Campaigns of a list whose oldest ticket is looked for, those with the largest backlog first: a read for each shard. */
  oldestWaitsPerList: 500,
  /** Lists whose further pages a front keeps, so that they fit together, and for how long: 10,000 campaigns are 7 MB. */
  campaignListsMax: 4,
  campaignListMs: 120_000,
} as const;
