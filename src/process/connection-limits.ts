// What processes need of the connections that the stores allow, each with its reason; a part of limits.ts.

export const connectionLimits = {
  /** Connections of a front to one Redis: commands, retry queue, and the board of the retry queue. */
  frontRedisConnections: 3,
  /** Connections of a worker to one Redis, whatever is on sale: commands, reads of work, arrivals, and four of the retry queue. */
  workerRedisConnections: 7,
  /** A process that wants more than half of the database's connections cannot be started twice. */
  connectionShareMax: 0.5,
  /** A front looks this often at how many connections the servers have open: a scrape comes every 15 s. */
  connectionsLookMs: 10_000,
} as const;
