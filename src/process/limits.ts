// A limit on everything, each with its reason. Sizes in the unit of the name; their relations are held by test/process/limits.test.ts.
import { adminLimits } from './admin-limits.ts';
import { connectionLimits } from './connection-limits.ts';
import { endLimits } from './end-limits.ts';
import { kafkaLimits } from './kafka-limits.ts';
import { metricsLimits } from './metrics-limits.ts';
import { noticeLimits } from './notice-limits.ts';
import { traceLimits } from './trace-limits.ts';
import { waitLimits } from './wait-limits.ts';

export const limits = {
  ...adminLimits,
  ...connectionLimits,
  ...endLimits,
  ...kafkaLimits,
  ...metricsLimits,
  ...traceLimits,
  ...noticeLimits,
  ...waitLimits,
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
  /** Waits of a command whose Cluster node died, moved or is moving, times how often: longer than its node timeout. */
  redirectMs: 200,
  redirectsMax: 16,
  /** The `cluster-node-timeout` that the waits above outlast: that of the Cluster in which failovers are tested. */
  clusterNodeTimeoutMs: 2_000,
  /** BullMQ blocks for up to 10 s (its `maximumBlockTimeout`); a socket that owes an answer for longer is dead. */
  bullmqSilentMs: 15_000,
  /** A replica that has not confirmed by now is no replica: the joins that wait for it are unknown, ask again. */
  replicaWaitMs: 1_000,
  /** Calls in a row that Redis left unanswered before it is not asked any more: with a second for each, two are plenty. */
  redisFaultsMax: 2,
  /** A front that asks no more probes this often: service is back within a second of Redis, for four PINGs a second. */
  redisProbeMs: 250,
  /** How old what a front remembers of a gate may get before it says so little that a question is cheaper. */
  viewReadMs: 100,
  viewStaleMs: 2_000,
  /** A refusal from memory rests on a reading no older than this: a busy front reads late, a sold-out must not outlive its stock. */
  viewRefusalMs: 500,
  /** How far two clocks may drift apart, as a share of the time since they were compared: chrony slews by 8.3 %. */
  clockDriftShare: 0.1,
  /** A campaign nobody asked about for this long is no longer read. */
  viewIdleMs: 30_000,
  /** Campaigns in a front's memory, 5 kB each: it has as many as were asked for, or waited for, in the last half minute. */
  viewsMax: 50_000,
  /** The ids of campaigns in the ledger are read this often by each front; one that is asked for meanwhile is asked by itself. */
  rollReadMs: 60_000,
  /** The same after a reading that failed: until the first one a campaign that nobody knows is 503, not 404. */
  rollRetryMs: 2_000,
  /** Rows of the ledger in one reading: 5,000 take some 10 ms, and a read of millions must not hold one connection's buffer. */
  rowsPerRead: 5_000,
  /** Campaigns in one reading of a duty that looks after each of them. */
  campaignsPerRead: 500,
  /** The same of a worker's looks at all live campaigns: V8 keeps a young generation as large as what such a page needs. */
  campaignsPerLook: 100,
  /** One worker compares the lines with the gates of live campaigns this often, and looks which campaigns are done. */
  sweepMs: 60_000,
  /** Silent consumers of a campaign are looked for in one of so many sweeps: once an hour, a script call for each shard. */
  sweepsPerReap: 60,
  /** An autoscaler reads and decides this often: a crowd's first seconds fill a backlog, and a worker starts in one. */
  scaleLookMs: 1_000,
  /** A wait that is too long calls for one more worker, not sooner after a change: a new worker needs time to shorten it. */
  scaleSettleMs: 10_000,
  /** A worker that could not be started when more were wanted: the wait before the next attempt, doubled each time. */
  scaleRestMinMs: 2_000,
  scaleRestMaxMs: 60_000,
  /** A front counts what waits at most this often: 10,000 campaigns in line cost Redis 80 ms and the front 290 ms, none 0.1 and 1.4. */
  backlogKeptMs: 1_000,
  /** Campaigns with the largest backlogs of which a status shows each. */
  busiestMax: 20,
  /** A part of a status that a store does not answer in time is shown as unknown: the command line waits for 10 s. */
  statusPartMs: 3_000,
  /** All gates are looked at for a status this often: 10,000 campaigns are half a second of the front and the ledger. */
  attentionKeptMs: 10_000,
  /** Above this share of a server's connections a person should know: as otel/alerts.yml has it. */
  connectionsNearlyUsedShare: 0.8,
  /** A worker looks for campaigns whose gate is shut this often: one query each. */
  campaignLookMs: 500,
  /** Buckets of users in one reading: about 6,000 tags, 3 ms of Redis. */
  bucketsPerRead: 64,
  /** Campaigns of which a process remembers a fact of the ledger; what was forgotten is read again. */
  ledgerCampaignsMax: 10_000,
  /** Unknown campaign ids are remembered as unknown, so that guessing ids costs the store little. */
  unknownViewMs: 1_000,
  /** Ids that the ledger was not seen with, asked of the stores a second and front: each costs a front what four joins do. */
  unknownAsksPerSecond: 25,
  unknownIdsMax: 1_000,
  /** Verified tickets kept per front: 400 bytes each. */
  verifiedTicketsMax: 100_000,
  /** Cancelled tickets a front remembers by campaign, so that it does not answer from what it knew before: 10 MB. */
  cancelledTagsMax: 100_000,
  /** The newest cancellations of a campaign that its gate keeps for fronts; `lua/prelude/told.lua` has the same number. */
  cancelledTagsToldMax: 10_000,
  /** A ticket in a worker's hands is given back once it is settled, if that is soon; looked for this often. */
  giveBackMs: 2_000,
  giveBackLookMs: 100,
  /** What a give-back that came to nothing was answered, is answered again for this long: `Retry-After` asks for more. */
  giveBackRestMs: 900,
  /** Poll hints: a client near the front hears soon, one at the back rarely. */
  pollMinMs: 1_000,
  pollMaxMs: 10_000,

  /** Entries per batch, and rows of a statement: flat from 300 on; a crash redelivers, and a lock covers, no more than this. */
  workBatchMax: 500,
  /** How long a worker waits for work; a campaign whose arrival it did not learn of waits as long. */
  receiveMs: 1_000,
  /** A read of work that takes longer is given up; what the worker was given with it is read again. */
  readMs: 3_000,
  /** Campaigns of one lane in one turn: 256 over all lanes, 5 ms of a worker; the others come with the next turns. */
  turnsPerLane: 16,
  /** Tickets a worker has in hand for each connection to the ledger: a full batch at work, and a second one behind it. */
  inHandPerConnection: 1_000,
  /** Campaigns are in line and nothing was read: the next look. While batches are in hand, new entries come unannounced. */
  lookMinMs: 10,
  lookBusyMaxMs: 20,
  lookMaxMs: 250,
  /** What a turn read of lines and gates serves the next one for so long: batches come free every few ms. */
  lookKeptMs: 100,
  /** A worker that has read nothing for this long says that it is not ready: others claim its entries a little later. */
  readStaleMs: 15_000,
  /** A worker reports to Redis this often, and fronts read the reports as often: one call each, whatever is on sale. */
  workerReportMs: 2_000,
  /** A worker that has not reported for this long is not there: four reports are missing. */
  workerSilentMs: 10_000,
  /** What a silent worker reported last is kept for the doctor; new names of restarted workers must not pile up. */
  workerForgottenMs: 600_000,
  /** A front that starts waits this long for its own workers' first reports before it prints where everything is. */
  workerFirstReportMs: 5_000,
  /** The wait before a child process is started again, doubled each time up to the second. */
  restartMinMs: 100,
  restartMaxMs: 5_000,
  /** A child that stayed up for this long is well: its next restart waits as little as the first. */
  restartStableMs: 30_000,
  /** One statement of the ledger; after that its outcome is unknown. */
  statementMs: 8_000,
  /** How long a statement waits for a row that another one holds; the server takes whole seconds. */
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

  /**
   * A worker that recovers a gate holds a lease and renews it; another worker follows one that was silent for this long. Short,
   * because the gate is shut meanwhile; a builder that is followed too soon has lost no more than a page of rows.
   */
  recoveryLeaseMs: 8_000,
  recoveryRenewMs: 2_000,
  /** A gate that cannot be recovered is tried again after at most this long: each attempt uses up one of 65,535 epochs. */
  recoveryBackoffMaxMs: 30_000,
  /** A gate behind an epoch that opened a moment ago is that of a stray primary: by then it has been demoted. */
  strayEpochMs: 10_000,
  /** Gates recovered side by side by one worker: their questions go to the ledger together, one commit for 100; with 200 gates for 40. */
  recoveriesMax: 600,
  /** A campaign of more units has rows enough to hold up the others: few of these are recovered at a time. */
  recoverySmallStockMax: 100_000,
  /** The stores of live campaigns are compared this often, those of up to so many units: 25 bytes each in memory. */
  reconcileMs: 60_000,
  reconcileStockMax: 5_000_000,
  /** A difference between the stores counts when it is still there after this long: longer than a batch takes. */
  reconcileAgainMs: 1_500,
  /** After a rebuild only holders of lost tickets are admitted: whoever polls as told has asked once by then. */
  recoveryGraceMs: 15_000,

  retryAttemptsMax: 6,
  retryBackoffMs: 1_000,
  retryConcurrency: 4,
  /** Retries of all workers: when thousands fall due together, the batches of new tickets come first. */
  retriesPerSecond: 500,
  /** Scheduling and sweeping of retries: one command of BullMQ, after that it is tried again. */
  retryCommandMs: 3_000,
  /** A retry that is this long overdue while the retrier does nothing: it hears nothing any more and is made anew. */
  retryOverdueMs: 30_000,
  /** A worker that dies is no fault of the job it had in hand. */
  retryStalledMax: 10,

  /** Dead letters of one redrive or discard: what a call gets done in time at the rate below. */
  lettersPerCallMax: 500,
  /** Dead letters handed to the retrier per second by one front: a flood would meet the fault that made them again. */
  lettersPerSecond: 100,
  /** A call stops after this long and says how many letters are left. */
  lettersCallMs: 6_000,
  /** Workers look for dead letters that a policy of AUTO_REDRIVE is due for this often, and take so many of a reason. */
  autoRedriveLookMs: 5_000,
  autoRedrivesPerLook: 100,
  /** What was begun in the ledger and not finished in the gate for this long is finished by a worker. */
  halfDoneMs: 5_000,
  /** A client's requests are counted over this long. */
  clientWindowSeconds: 10,
  /** Identity: keys are asked for again after the first, at most once in the second; a provider that never answered, sooner. */
  signingKeysMaxAgeMs: 600_000,
  signingKeysCooldownMs: 30_000,
  signingKeysRetryMs: 5_000,
  signingKeysFetchMs: 5_000,
  signingKeysBytes: 262_144,
  /** Clocks that differ by more than this are broken; a token must not outlive its `exp` by minutes. */
  clockToleranceMaxSeconds: 30,
  /** An identity token with many claims has 2 kB; 16 kB of headers hold no more than this anyway. */
  tokenChars: 8_192,
  /** Verified tokens kept per front, together: about 80,000 usual ones. */
  verifiedTokensChars: 64_000_000,
  /** Signatures being checked at a time: 0.1 ms each on four threads, so the last of them waits 25 ms. */
  tokenChecksMax: 1_000,
  /** Tokens that wait for the keys of the identity provider: 10 kB each with their request; and those of one address. */
  tokensWaitingMax: 10_000,
  tokensWaitingPerAddress: 100,
  /** Forged tokens of one address in a client's window: an honest client sends none, and a household has one such app. */
  forgedTokensPerAddress: 100,

  /** Chromium remembers a preflight for two hours at most. */
  preflightMaxAgeSeconds: 7_200,
  /** Shops have a few origins; hundreds are a mistake. */
  corsOriginsMax: 100,
  /** A wrong admin token is answered after the first, as long as so many wait; beyond that with 429 at once. */
  adminRefusalMs: 500,
  adminRefusalsWaitingMax: 50,
  adminBodyBytes: 4_096,
  /** A hundred of the longest tickets, of which a redrive may name so many. */
  letterBodyBytes: 16_384,
  joinBodyBytes: 4_096,
  headerBytes: 16_384,
  headersMs: 5_000,
  requestMs: 8_000,
  /** Longer than the 60 s after which nginx, HAProxy and cloud balancers usually end theirs: who ends first must be they. */
  keepAliveMs: 65_000,
  connectionsMax: 30_000,
  /** Operators, scrapers and probes are few; their listeners must neither fill up the process nor be filled up by buyers. */
  adminListenerConnectionsMax: 256,
  telemetryConnectionsMax: 64,
  /** Buyers' connections of one address: many households behind a carrier's address, and a thirtieth of all places. */
  connectionsPerAddress: 1_000,
  /** Of one address, half of each: who fills up a listener leaves the other half to everybody else. */
  adminConnectionsPerAddressMax: 128,
  telemetryConnectionsPerAddressMax: 32,
  /** A connection on which nobody says anything ends after this long; to the telemetry port sooner. A long-poll is silent, too. */
  silentMs: 65_000,
  telemetrySilentMs: 15_000,
  /** A front takes at least so many buyers' connections, whatever the limit of open files. */
  connectionsMin: 64,
  /** From this share of them on, idle connections end for newcomers; looked through this often at most. */
  connectionsBusyShare: 0.9,
  makeRoomMs: 1_000,
  /** Connections not accepted yet: with Node's 511 a crowd that comes at once is dropped, and tries again after 1, 3, 7 s. */
  acceptQueueMax: 4_096,
  /** Event loop lag from which a front refuses some joins, at twice as much all of them. */
  eventLoopLagMs: 500,

  /** A full batch of the longest ids is 250 kB as a statement, with room for another of its size. */
  batchBytesMax: 524_288,
  /** Open files of a process besides its connections: logs, libraries, listeners, a few clients of Redis, operators. */
  openFilesReserve: 100,
  /** Above this share of Redis's memory there is no time left to react: a crowd fills the rest in minutes. */
  memoryShareMax: 0.7,
  /** A replica that is further behind is none that a 202 may count on. */
  replicaLagSeconds: 10,
  /** Gaps between clocks: what people notice, and what no clock that is looked after ever has. */
  clockGapMs: 1_000,
  clockGapMaxMs: 60_000,
  /** Names that a message lists; with 10,000 campaigns the rest is a number. */
  namedMax: 3,
  /** Campaigns whose gates the doctor looks at: each costs a call per shard. */
  doctorCampaignsMax: 100,

  /** Log lines that wait for whoever reads them: a reader that stopped must not fill the memory; what is beyond is dropped. */
  logBytesWaitingMax: 8_388_608,
  /** Whether a private server answers yet, or is there already: it is on this machine. */
  localProbeMs: 1_000,
  /** Longer than any clean stop seen (0.1 s); mariadbd may hang in one, and InnoDB recovers from a kill. */
  localStopMs: 8_000,
  stockMax: 10_000_000,
  shardsMax: 64,
  rateMax: 1_000_000,
  drainMs: 10_000,
  /** In production a front serves on for this long after SIGTERM: a balancer that probes every 2 s has missed it twice. */
  drainNoticeMs: 5_000,
} as const;
