// The limits of archiving, purging and erasing, each with its reason; a part of limits.ts.

export const endLimits = {
  /** A worker looks for campaigns to archive or purge, and for what is left of their keys and rows, this often: one query. */
  endLookMs: 60_000,
  /** Campaigns of one look that are archived, deleted or purged: more of them are for the next look. */
  endsPerLook: 100,
  /** A campaign that Redis lost a moment ago is not archived at once: holders of lost tickets come back within this time. */
  archiveRestMs: 3_600_000,
  /** Keys in one UNLINK: 0.2 ms of Redis, so that joins of other campaigns do not wait. */
  keysPerDelete: 500,
  /** Keys of an archived campaign are deleted once more after this long: a process that has not heard of its end may write one. */
  keysDeletedAgainMs: 60_000,
  /** Rows in one DELETE of a purge: a short lock, and 10 to 25 ms of the ledger. */
  rowsPerDelete: 500,
  /**
   * A purge rests so many times as long as its last DELETE took: it leaves nine tenths of the ledger's time to those that sell.
   * Without rests 100,000 rows took 4 s, in which joins of another campaign fell to half. With them they take 40 s.
   */
  deleteRests: 9,
  deleteRestMaxMs: 1_000,
  /** A purge or an erasure that an operator asked for goes on in a worker after this long. */
  endCallMs: 6_000,
  /** An archived campaign stays one: how long a front believes what the ledger said of it, and how many it remembers. */
  endedViewMs: 60_000,
  endedCampaignsMax: 10_000,
  /** Polls of archived tickets that ask the ledger at a time, by front: most of its status pool's connections stay free. */
  archivedAsksMax: 2,
  /** A poll of an archived ticket waits this long for its turn, then it is refused: while the ledger hangs no line builds up. */
  archivedWaitMs: 1_000,
} as const;
