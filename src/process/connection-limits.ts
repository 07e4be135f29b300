// What processes need of the connections that the stores allow, and what connections of clients may do, each with its reason;
// a part of limits.ts.

export const connectionLimits = {
  /** Connections of a front to one Redis: commands, retry queue, and the board of the retry queue. */
  frontRedisConnections: 3,
  /** Connections of a worker to one Redis, whatever is on sale: commands, reads of work, arrivals, and four of the retry queue. */
  workerRedisConnections: 7,
  /** A process that wants more than half of the database's connections cannot be started twice. */
  connectionShareMax: 0.5,
  /** A front looks this often at how many connections the servers have open: a scrape comes every 15 s. */
  connectionsLookMs: 10_000,
  /** Requests behind one of the same connection that is not answered yet: their answers wait in memory. */
  requestsInLineMax: 16,
  /** Guesses, wrong tokens and requests beyond a quota of one address in a client's window: an honest crowd behind one sends few. */
  refusalsPerAddress: 100,
  /** Beyond that a connection is not read for this long after a refusal, which told its client to come no sooner than that. */
  slowReadMs: 1_000,
} as const;
