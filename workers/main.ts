// A worker process: issues tickets, retries single ones, tidies up.
import { hostname } from 'node:os';
import { createRedisStreams } from '../src/broker/redis-streams.ts';
import { composeEnding } from '../src/composition/ending.ts';
import { composeRecovery } from '../src/composition/recovery.ts';
import { configOrExit } from '../src/config/config.ts';
import { workerPromise } from '../src/doctor/configured.ts';
import { checkStart } from '../src/doctor/start.ts';
import { environmentKey } from '../src/domain/environment-keys.ts';
import type { IssuanceRow } from '../src/domain/issuance.ts';
import type { Readiness } from '../src/domain/readiness.ts';
import { reapConsumers } from '../src/gate/redis/consumers.ts';
import { createGate } from '../src/gate/redis/gate.ts';
import { createEachGateReader, createGateReader } from '../src/gate/redis/gate-reader.ts';
import { createReturns } from '../src/gate/redis/returns.ts';
import { campaignStore } from '../src/ledger/campaign-store.ts';
import { keepDeadLetter } from '../src/ledger/dead-letters.ts';
import { createLedgerGuard } from '../src/ledger/guard.ts';
import { issueBatch } from '../src/ledger/issuances.ts';
import { cancellationStore, letterStore } from '../src/ledger/letter-store.ts';
import { openLedger } from '../src/ledger/pool.ts';
import { reachLedger } from '../src/ledger/reach.ts';
import { listenForStop, tellFailuresPlainly } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import { outliveOutput } from '../src/process/output.ts';
import { openBlocking, openFast } from '../src/redis/connection.ts';
import { createReach } from '../src/redis/reach.ts';
import { createWorkerReports } from '../src/redis/worker-reports.ts';
import { openRetries, workOnRetries } from '../src/retry/bullmq.ts';
import { errorWords } from '../src/telemetry/describe-error.ts';
import { createLog } from '../src/telemetry/log.ts';
import { createErrorLog } from '../src/telemetry/log-once.ts';
import { breakerMetrics, poolMetrics, workerMetrics } from '../src/telemetry/metrics.ts';
import { tellServerErrors } from '../src/telemetry/server-errors.ts';
import { startTelemetry } from '../src/telemetry/start.ts';
import { endCampaigns } from './archivist.ts';
import { watchCampaigns } from './campaign-watch.ts';
import { finishHalfDone } from './finisher.ts';
import { createWorkerHealth } from './health.ts';
import { issueTickets } from './issuer.ts';
import { tidyUp } from './janitor.ts';
import { keepReconciling } from './reconciler.ts';
import { recoverGates } from './recoverer.ts';
import { keepReporting } from './reporter.ts';
import { createRetryWork } from './retrier.ts';

outliveOutput({
  means: 'The worker keeps running; its log lines are lost until standard output can be written again.',
});
tellFailuresPlainly(errorWords);
const config = configOrExit({ always: ['REDIS_URL', 'DATABASE_URL', 'COUPON_KEY'] });
const workerName = config.workers.name ?? `${hostname()}-${process.pid}`;
const log = createLog('sluice-worker', config.logLevel).child({ worker: workerName });
const onError = createErrorLog(log, 'a worker duty failed');
const { signal: stopping } = listenForStop(limits.drainMs + 1_000);
await using open = new AsyncDisposableStack();

// Asked from the first moment on, by every probe there is.
let readiness = (): Readiness => ({ reasons: ['starting'], warnings: [] });
let tellServerError: ReturnType<typeof tellServerErrors> | undefined;
const onUnready = (cause: readonly string[]) =>
  tellServerError?.({ kind: 'not-ready', status: 503, listener: 'telemetry', at: 'GET /readyz', cause });
const service = 'sluice-worker';
open.use(await startTelemetry({ service, ...config.telemetry, readiness: () => readiness(), onUnready }));
tellServerError = tellServerErrors(log);
const metrics = workerMetrics();
const ledger = open.use(
  openLedger({
    url: config.databaseUrl!,
    name: 'worker',
    connectionMax: config.workers.connections,
    queueMax: limits.workerQueueMax,
    acquireMs: limits.acquireMs,
    statementMs: limits.statementMs,
  }),
);
const server = { url: config.redisUrl!, ca: config.redisCa };
const connection = { ...server, name: `sluice-worker:${workerName}`, onError };
const reach = createReach(server.url, onError);
const redis = open.adopt(openFast({ ...connection, onError: reach.onError, commandMs: limits.statementMs }), (client) =>
  client.disconnect(),
);
await reach.until(redis, limits.drainMs);
// It starts without its ledger, too, and waits for it; not with a password that is wrong.
await reachLedger(config.databaseUrl!, () => ledger.run('SELECT 1', []), { canWait: true });
await checkStart({ redis, ledger, ...workerPromise(config) }, log);
const retries = open.adopt(openRetries({ ...server, onError }), (opened) => opened.close());

const guard = open.use(createLedgerGuard(ledger));
breakerMetrics('ledger', guard.breaker);
poolMetrics(ledger);
const health = createWorkerHealth(guard.breaker.isOpen);
readiness = () => health.readiness();
const store = campaignStore(ledger);
const cancellations = cancellationStore(ledger);
const gate = createGate(redis);
const returns = createReturns(redis);
const readGates = createGateReader(redis);
const readEachGate = createEachGateReader(redis);
const broker = createRedisStreams({
  redis,
  openReader: (name) => openBlocking({ ...connection, name, blockMs: limits.receiveMs }),
  batchMax: limits.workBatchMax,
  claimIdleMs: config.workers.claimIdleMs,
  onVanished: (campaign, seqs) =>
    log.error({ campaign, seqs }, 'entries vanished from a work stream before they were settled'),
  onForeign: (campaign, ids) => log.error({ campaign, ids }, 'dropped entries that no gate wrote from a work stream'),
});
const issuing = {
  gate,
  issueBatch: (rows: IssuanceRow[], epoch: number) => guard.run(() => issueBatch(ledger, rows, epoch)),
  untilLedgerUp: guard.breaker.untilClosed,
  couponKey: environmentKey(config.environmentName, 'coupon', config.couponKey!),
};
const retryWork = createRetryWork({
  ...issuing,
  returns,
  cancellations,
  shapeOf: async (campaign) => (await readGates([campaign]))[0],
  keepDeadLetter: (letter, epoch) => keepDeadLetter(ledger, letter, epoch),
});
const issuer = {
  ...issuing,
  broker: health.noting(broker),
  retries,
  workerName,
  keepMalformed: (campaign: string, epoch: number, seq: number, raw: string) =>
    keepDeadLetter(ledger, { campaign, epoch, seq, reason: 'malformed-entry', attempts: 1, raw }),
  onSettled: metrics.settled,
  onLeft: (count: number) => {
    log.warn({ count }, 'stopped before all received entries were settled; another worker will claim them');
    if (stopping.aborted) process.exitCode = 1;
  },
  onError,
};
const recovery = composeRecovery({
  redis,
  ledger,
  retries,
  durability: config.durability,
  graceMs: config.workers.recoveryGraceMs,
});
const ending = composeEnding({ redis, ledger, retries, name: workerName });
const { retainEndedMs, retainLedgerMs } = config.workers;
const reports = createWorkerReports(redis);
log.info('issuing');
// To the front that started this worker, if one did: its start is over.
process.send?.('issuing');
await Promise.all([
  keepReporting(
    {
      readiness: () => health.readiness(),
      report: (reasons) => reports.report(workerName, reasons),
      withdraw: () => reports.withdraw(workerName),
      onError,
    },
    stopping,
  ),
  watchCampaigns(
    {
      ...store,
      readGates: readEachGate,
      issue: (campaign, stop) => issueTickets(issuer, campaign, stop),
      onLook: (backlog, retrying) => {
        metrics.looked(backlog, retrying);
        health.looked();
      },
      onError,
    },
    stopping,
  ),
  recoverGates(
    {
      listLiveCampaigns: store.listLiveCampaigns,
      listGated: store.listGated,
      stateOf: recovery.gates.state,
      recover: (campaign) => recovery.recover(campaign, workerName),
      onRecovered: (campaign, opening) => log.warn({ campaign, ...opening }, 'gate opened under a new epoch'),
      onAlone: (campaign) =>
        log.error({ campaign }, 'gate stays closed: DURABILITY promises a replica, and its Redis has none'),
      onError,
    },
    stopping,
  ),
  workOnRetries({ ...server, onError }, retryWork, stopping),
  keepReconciling(
    {
      listLiveCampaigns: store.listLiveCampaigns,
      takeTurn: (campaign, ms) => recovery.gates.takeTurn(campaign, workerName, ms),
      look: recovery.look,
      onRound: metrics.reconciled,
      onMismatch: (report) =>
        log.error(report, 'gate, streams, retry queue and ledger differ; run sluice reconcile <campaign> for details'),
      onError,
    },
    stopping,
  ),
  finishHalfDone(
    {
      store: letterStore(ledger),
      cancellations,
      returns,
      readGates,
      scheduleRetry: (job) => retries.schedule(job),
      onError,
    },
    stopping,
  ),
  endCampaigns(
    {
      ...ending,
      listToArchive: (after) => ending.listToArchive(retainEndedMs, after),
      listToPurge: async () => (retainLedgerMs === undefined ? [] : ending.listToPurge(retainLedgerMs)),
      onEnded: (campaign, end) => {
        metrics.ended(end);
        log.info({ campaign }, `campaign ${end}`);
      },
      onError,
    },
    stopping,
  ),
  tidyUp(
    {
      store,
      gate,
      readGates: readEachGate,
      reapConsumers: (campaign, shards, idleMs) => reapConsumers(redis, campaign, shards, idleMs),
      onDeadLetters: metrics.deadLetters,
      onGateLost: (campaign) =>
        log.error({ campaign }, 'setting change pending: the gate is missing and will receive it after recovery'),
      onError,
    },
    stopping,
  ),
]);
