// What numbers and log lines may cost, each with its reason; a part of limits.ts.

export const metricsLimits = {
  /** Of errors of one kind two lines are logged within this long: a reader sees that it goes on, and no disk fills. */
  sameLogMs: 10_000,
  /** Answers with a 5xx of one kind: a line a second says what is the matter now, and is 2 MB an hour at most. */
  serverErrorLogMs: 1_000,
  /** Campaigns that are labels of metrics, some 13 series each: a person compares twenty, and a scrape must stay small. */
  labelledCampaignsMax: 20,
  /** Reasons of dead letters that are labels: Sluice has eight, and a version before may have left others. */
  labelledReasonsMax: 15,
  /** The busiest campaigns are chosen this often: a graph needs some scrapes of each. */
  labelledCampaignsMs: 30_000,
  /** The window over which delays of the event loop are told: a scrape comes every 5 to 15 s. */
  eventLoopWindowMs: 10_000,
  /** Each process counts the tickets that wait this often, for its metrics. */
  countMs: 5_000,
  /** Streams of which one look counts what is undelivered and pending, those of the longest backlogs: 5 ms of Redis. */
  streamsPerLookMax: 512,
} as const;
