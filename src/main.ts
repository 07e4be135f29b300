// `npm start`: the front and the admin API; in the local profile also the servers and workers they need.
import { parseArgs } from 'node:util';
import { composeFront } from './composition/front.ts';
import { configOrExit } from './config/config.ts';
import { furnish } from './local/furnish.ts';
import type { OwnWorkers } from './local/own-workers.ts';
import { welcome } from './local/welcome.ts';
import { frontSettings, openFront } from './opening/front.ts';
import { openAdminListener, openPublicListener } from './opening/listeners.ts';
import { showFront } from './opening/shown-front.ts';
import { warmUp } from './opening/warm-up.ts';
import { listenForStop, pause, tellFailuresPlainly, untilAborted } from './process/lifecycle.ts';
import { limits } from './process/limits.ts';
import { outliveOutput } from './process/output.ts';
import { tellAdminRefusals } from './telemetry/admin-refusals.ts';
import { tellBoundedConnections } from './telemetry/bounded-connections.ts';
import { errorWords } from './telemetry/describe-error.ts';
import { createLog } from './telemetry/log.ts';
import { createErrorLog } from './telemetry/log-once.ts';
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
const { signal: stopping } = listenForStop();
const log = createLog('sluice-front', config.logLevel);
const onError = createErrorLog(log, 'a background task of the front failed');
await using open = new AsyncDisposableStack();

// Before anything that takes time: a balancer hears 503, and a port that is taken ends the start here.
const publicListener = await openPublicListener(config, open);
const place = open.use(await furnish(config, say));
const told = open.use(await startTelemetry({ service: 'sluice-front', ...config.telemetry, log }));
const boundedOf = tellBoundedConnections(log);
publicListener.tell(boundedOf('public'));
const parts = await openFront(config, place, { log, onError }, open);
const leaving = new AbortController();
let ownWorkers: OwnWorkers | undefined;
const service = open.use(
  composeFront(parts, {
    ...frontSettings(config, place),
    draining: stopping,
    leaving: leaving.signal,
    ownWorkersDown: () => ownWorkers?.down() ?? [],
    onError,
    onServerError: tellServerErrors(log),
    onAdminRefused: tellAdminRefusals(log),
  }),
);
showFront(service, { telemetry: told, redis: parts.redis, metricsCampaigns: config.telemetry.campaigns }, open);
await warmUp(publicListener, service, { stopping, onError });
// A front that was asked to end during its start starts no workers only to stop them.
if (!stopping.aborted) ownWorkers = open.use(await place.startWorkers(service));
publicListener.serve(service.front.fetch);
open.defer(async () => {
  leaving.abort();
  const count = await publicListener.close(limits.drainMs);
  if (count === 0) return;
  log.error({ count }, 'the front cut connections: their requests took longer than the drain');
  process.exitCode = 1;
});
const adminListener = await openAdminListener(config, service.admin.fetch, boundedOf('admin'), open);
const rehearse = !options['no-rehearsal'];
const urls = { publicUrl: publicListener.url, adminUrl: adminListener.url, telemetryUrl: told.url };
await service.readiness.untilWorkerReady(config.workers.count > 0 ? limits.workerFirstReportMs : 0, stopping);
await welcome({ place, config, ...urls, workersSeen: service.readiness.workersSeen, rehearse, say, stopping });
await untilAborted(stopping);
// First the balancer hears of it, from /readyz; then connections end with their next answer, and who waits goes elsewhere.
await pause(config.drainNoticeMs / 2);
publicListener.windDown();
leaving.abort();
await pause(config.drainNoticeMs / 2);
