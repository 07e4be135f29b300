// A limit on everything, each with its reason. Sizes in the unit of the name; relations are asserted below.

export const limits = {
  /** Joins in one gate call: a larger batch holds Redis up longer (1 ms at 7 µs a join) and gains nothing. */
  joinBatchMax: 128,
  /** Joins that may wait in a front: at 30k joins/s a third of a second; beyond that the answer is a 503. */
  joinsWaitingMax: 10_000,
  /** How long a join may wait for its call, by how long calls take just now; who would wait longer hears 503 at once. */
  joinWaitMs: 200,
  /** Gate calls in flight for one campaign: one being decided, one on the wire; more would only make them smaller. */
  gateCallsMax: 2,
  /** A gate call that takes longer is given up; the join may have happened: ask again. */
  gateCallMs: 1_000,
  /** Calls in a row that Redis left unanswered before it is not asked any more: with a second for each, two are plenty. */
  redisFaultsMax: 2,
  /** A front that asks no more probes this often: service is back within a second of Redis, for four PINGs a second. */
  redisProbeMs: 250,
  /** How old what a front remembers of a gate may get before it says so little that a question is cheaper. */
  viewReadMs: 100,
  viewStaleMs: 2_000,
  /** A campaign nobody asked about for this long is no longer read. */
  viewIdleMs: 30_000,
  viewsMax: 10_000,
  /** Unknown campaign ids are remembered as unknown, so that guessing ids costs the store little. */
  unknownViewMs: 1_000,
  /** Verified tickets kept per front: 400 bytes each. */
  verifiedTicketsMax: 100_000,
  /** Open long-polls and event streams per front; each costs a socket and a look per watermark read. */
  waitersMax: 20_000,
  longPollMaxMs: 30_000,
  streamEventMs: 1_000,
  /** Poll hints: a client near the front hears soon, one at the back rarely. */
  pollMinMs: 1_000,
  pollMaxMs: 10_000,

  /** Entries per batch: throughput is flat from 300 on, a crash redelivers at most this many. */
  workBatchMax: 500,
  /** How long a worker's read waits for work. */
  receiveMs: 1_000,
  /** A worker that has read nothing for this long says that it is not ready: others claim its entries a little later. */
  readStaleMs: 15_000,
  /** One statement of the ledger; after that its outcome is unknown. */
  statementMs: 8_000,
  lockWaitMs: 3_000,
  acquireMs: 3_000,
  /** Batches in a row that met no ledger; one more than a failover breaks at once on a worker that does one at a time. */
  ledgerFaultsMax: 3,
  /** A worker whose ledger is away probes this often: a second is little beside the outage. */
  ledgerProbeMs: 1_000,
  /** Callers in line for a worker's connection: batches wait in the guard's line, so these are its few other duties. */
  workerQueueMax: 100,
  /** Operators and projections are few; a crowd of them must not take the connections that issue tickets. */
  adminConnectionsMax: 4,
  adminQueueMax: 50,
  /** A silent consumer's entries are claimed after this long: longer than a batch whose every lock wait runs out. */
  claimIdleMs: 30_000,
  /** Backoff of a worker whose ledger or Redis is away. */
  backoffMinMs: 50,
  backoffMaxMs: 5_000,
  /** A consumer that holds nothing and is silent for this long is deleted. */
  consumerIdleMs: 3_600_000,
  renumberAttemptsMax: 5,

  retryAttemptsMax: 6,
  retryBackoffMs: 1_000,
  retryConcurrency: 4,
  /** Retries of all workers: when thousands fall due together, the batches of new tickets come first. */
  retriesPerSecond: 500,
  /** Scheduling and sweeping of retries: one command of BullMQ, after that it is tried again. */
  retryCommandMs: 3_000,
  /** A retrier's question without an answer for three of BullMQ's longest blocking reads: the connection is replaced. */
  retrySocketMs: 30_000,
  /** A retry that is this long overdue while the retrier does nothing: it hears nothing any more and is made anew. */
  retryOverdueMs: 30_000,
  /** A worker that dies is no fault of the job it had in hand. */
  retryStalledMax: 10,

  /** A client's requests are counted over this long. */
  clientWindowSeconds: 10,

  adminBodyBytes: 4_096,
  joinBodyBytes: 4_096,
  headerBytes: 16_384,
  headersMs: 5_000,
  requestMs: 8_000,
  keepAliveMs: 5_000,
  connectionsMax: 30_000,
  /** Connections not accepted yet: with Node's 511 a crowd that comes at once is dropped, and tries again after 1, 3, 7 s. */
  acceptQueueMax: 4_096,
  /** Event loop lag from which a front refuses some joins, at twice as much all of them. */
  eventLoopLagMs: 500,

  stockMax: 10_000_000,
  shardsMax: 64,
  rateMax: 1_000_000,
  drainMs: 10_000,
  /** In production a front serves on for this long after SIGTERM: a balancer that probes every 2 s has missed it twice. */
  drainNoticeMs: 5_000,
} as const;

const relations: [string, boolean][] = [
  ['a claim comes after the worst batch', limits.claimIdleMs > limits.statementMs + limits.acquireMs],
  [
    'a read is late before it is claimed',
    limits.receiveMs < limits.readStaleMs && limits.readStaleMs < limits.claimIdleMs,
  ],
  ['a lock wait ends before its statement', limits.lockWaitMs < limits.statementMs],
  ['memory is read more often than it goes stale', limits.viewReadMs * 5 < limits.viewStaleMs],
  ['a gate call ends before the request', limits.gateCallMs < limits.requestMs],
  ['a drain outlasts a statement', limits.drainMs > limits.statementMs],
];
const broken = relations.filter(([, holds]) => !holds).map(([name]) => name);
if (broken.length > 0) throw new Error(`limits.ts contradicts itself: ${broken.join('; ')}`);
