// `npm start`: the front and the admin API; in the local profile also the servers and workers they need.
import { parseArgs } from 'node:util';
import { composeFront } from './composition/front.ts';
import { configOrExit } from './config/config.ts';
import { frontPromise } from './doctor/configured.ts';
import { publicConnectionsMax, readOpenFilesMax } from './doctor/open-files.ts';
import { checkStart } from './doctor/start.ts';
import { BOARD_PATH } from './http/admin/board.ts';
import { listen } from './http/listen.ts';
import { answerWhileStarting } from './http/public/starting.ts';
import { migrate } from './ledger/migrate.ts';
import { openLedger } from './ledger/pool.ts';
import { reachLedger } from './ledger/reach.ts';
import { furnish } from './local/furnish.ts';
import type { OwnWorkers } from './local/own-workers.ts';
import { welcome } from './local/welcome.ts';
import { listenForStop, listening, pause, tellFailuresPlainly, untilAborted } from './process/lifecycle.ts';
import { limits } from './process/limits.ts';
import { outliveOutput } from './process/output.ts';
import { openFast } from './redis/connection.ts';
import { createReach } from './redis/reach.ts';
import { openBoard } from './retry/board.ts';
import { openRetries } from './retry/bullmq.ts';
import { tellAdminRefusals } from './telemetry/admin-refusals.ts';
import { errorWords } from './telemetry/describe-error.ts';
import { createLog } from './telemetry/log.ts';
import { createErrorLog } from './telemetry/log-once.ts';
import { breakerMetrics, poolMetrics } from './telemetry/metrics.ts';
import { tellServerErrors } from './telemetry/server-errors.ts';
import { startTelemetry } from './telemetry/start.ts';

outliveOutput({ means: 'The front keeps running; its log lines are lost until standard output can be written again.' });
tellFailuresPlainly(errorWords);
const config = configOrExit({
  inProduction: ['REDIS_URL', 'DATABASE_URL', 'ADMIN_TOKEN', 'TICKET_KEYS', 'COUPON_KEY'],
  identity: true,
  listeners: true,
});
const { values: options } = parseArgs({ options: { 'no-rehearsal': { type: 'boolean', default: false } } });
const say = (line: string) => console.log(line);
const stop = listenForStop();
const log = createLog('sluice-front', config.logLevel);
const onError = createErrorLog(log, 'a background task of the front failed');
await using open = new AsyncDisposableStack();

const { keepAliveMs } = config;
const connectionsMax = publicConnectionsMax(readOpenFilesMax());
// Before anything that takes time: a balancer hears 503, and a port that is taken ends the start here.
const publicListener = await listening({ portName: 'PORT', hostName: 'HOST', ...config.front }, () =>
  listen({ fetch: answerWhileStarting, keepAliveMs, connectionsMax, ...config.front }),
);
open.defer(() => publicListener.close(0).then(() => undefined));

const place = open.use(await furnish(config, say));
const told = open.use(await startTelemetry({ service: 'sluice-front', ...config.telemetry }));
const { acquireMs, statementMs } = limits;
const pool = {
  url: place.databaseUrl,
  connectionMax: limits.adminConnectionsMax,
  queueMax: limits.adminQueueMax,
  acquireMs,
  statementMs,
};
const ledger = open.use(openLedger({ ...pool, name: 'admin' }));
// Buyers who give back wait for connections of their own: a crowd of them must not keep operators out.
const status = open.use(openLedger({ ...pool, name: 'status' }));
const server = { url: place.redisUrl, ca: config.redisCa };
const reach = createReach(server.url, onError);
const redis = open.adopt(
  openFast({ ...server, name: 'sluice-front', onError: reach.onError, commandMs: limits.gateCallMs }),
  (client) => client.disconnect(),
);
await reach.until(redis, limits.drainMs);
await reachLedger(place.databaseUrl, () => ledger.run('SELECT 1', []));
await checkStart({ redis, ledger, ...frontPromise(config) }, log);
await reachLedger(place.databaseUrl, () => migrate(ledger));
const retryQueue = { ...server, onError };
const retries = open.adopt(openRetries(retryQueue), (opened) => opened.close());
const board = open.adopt(openBoard(retryQueue, BOARD_PATH, config.adminUrl), (opened) => opened.close());

const leaving = new AbortController();
let ownWorkers: OwnWorkers | undefined;
const {
  durability,
  identity,
  ticketsNeedUser,
  trustedProxies,
  clientLimits,
  telemetry,
  publicUrl,
  adminUrl,
  corsOrigins,
} = config;
const { ticketKeys, couponKey, adminToken } = place;
const service = open.use(
  composeFront(
    { redis, ledger, status, retries, board: board.routes },
    {
      durability,
      ticketKeys,
      couponKey,
      identity,
      ticketsNeedUser,
      trustedProxies,
      corsOrigins,
      publicUrl,
      adminUrl,
      clientLimits,
      traceRatio: telemetry.on ? telemetry.traceRatio : 0,
      graceMs: config.workers.recoveryGraceMs,
      tokens: { operator: adminToken, reader: config.admin.readToken },
      draining: stop.signal,
      leaving: leaving.signal,
      ownWorkersDown: () => ownWorkers?.down() ?? [],
      onError,
      onServerError: tellServerErrors(log),
      onAdminRefused: tellAdminRefusals(log),
    },
  ),
);
breakerMetrics('redis', service.breaker);
poolMetrics(ledger);
poolMetrics(status);

// A front that was asked to end during its start starts no workers only to stop them.
if (!stop.signal.aborted) ownWorkers = open.use(await place.startWorkers());
publicListener.serve(service.front.fetch);
open.defer(async () => {
  leaving.abort();
  const count = await publicListener.close(limits.drainMs);
  if (count === 0) return;
  log.error({ count }, 'the front cut connections: their requests took longer than the drain');
  process.exitCode = 1;
});
const { host, port } = config.admin;
const adminListener = await listening({ portName: 'ADMIN_PORT', hostName: 'ADMIN_HOST', ...config.admin }, () =>
  listen({
    fetch: service.admin.fetch,
    keepAliveMs,
    host,
    port,
    connectionsMax: limits.adminListenerConnectionsMax,
  }),
);
open.defer(() => adminListener.close(1_000).then(() => undefined));
const rehearse = !options['no-rehearsal'];
const urls = { publicUrl: publicListener.url, adminUrl: adminListener.url, telemetryUrl: told.url };
const { readiness } = service;
await readiness.untilWorkerReady(config.workers.count > 0 ? limits.workerFirstReportMs : 0, stop.signal);
await welcome({ place, config, ...urls, workersSeen: readiness.workersSeen, rehearse, say, stopping: stop.signal });
await untilAborted(stop.signal);
// First the balancer hears of it, from /readyz; then connections end with their next answer, and who waits goes elsewhere.
await pause(config.drainNoticeMs / 2);
publicListener.windDown();
leaving.abort();
await pause(config.drainNoticeMs / 2);
