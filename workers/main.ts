// A worker process: issues tickets, retries single ones, tidies up.
import { hostname } from 'node:os';
import { composeWorker } from '../src/composition/worker.ts';
import { configOrExit } from '../src/config/config.ts';
import { environmentKey } from '../src/domain/environment-keys.ts';
import type { Readiness } from '../src/domain/readiness.ts';
import { createNotifier } from '../src/notify/webhook.ts';
import { openWorker } from '../src/opening/worker.ts';
import { listenForStop, tellFailuresPlainly } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import { outliveOutput } from '../src/process/output.ts';
import { errorWords } from '../src/telemetry/describe-error.ts';
import { createLog } from '../src/telemetry/log.ts';
import { createErrorLog } from '../src/telemetry/log-once.ts';
import { tellServerErrors } from '../src/telemetry/server-errors.ts';
import { startTelemetry } from '../src/telemetry/start.ts';
import { workerMetrics } from '../src/telemetry/worker-metrics.ts';
import { dutiesOf } from './duties.ts';
import { createWorkerHealth } from './health.ts';
import { workerEvents } from './worker-events.ts';

outliveOutput({
  means: 'The worker keeps running; its log lines are lost until standard output can be written again.',
});
tellFailuresPlainly(errorWords);
const config = configOrExit({ always: ['REDIS_URL', 'DATABASE_URL', 'COUPON_KEY'] });
const name = config.workers.name ?? `${hostname()}-${process.pid}`;
const log = createLog('sluice-worker', config.logLevel).child({ worker: name });
const onError = createErrorLog(log, 'a worker duty failed');
const { signal: stopping } = listenForStop(limits.drainMs + 1_000);
await using open = new AsyncDisposableStack();

// Asked from the first moment on, by every probe there is.
let readiness = (): Readiness => ({ reasons: ['starting'], warnings: [] });
let tellServerError: ReturnType<typeof tellServerErrors> | undefined;
const onUnready = (cause: readonly string[]) =>
  tellServerError?.({ kind: 'not-ready', status: 503, listener: 'telemetry', at: 'GET /readyz', cause });
const service = 'sluice-worker';
open.use(await startTelemetry({ service, ...config.telemetry, log, readiness: () => readiness(), onUnready }));
tellServerError = tellServerErrors(log);
const metrics = workerMetrics();

const { webhook, lettersMin } = config.notices;
const notifier = webhook && open.use(createNotifier({ ...webhook, log }));
const parts = await openWorker(config, { name, log, onError }, open);
const health = createWorkerHealth({
  isLedgerAway: parts.guard.breaker.isOpen,
  isRedisAway: () => parts.redis.status !== 'ready',
});
readiness = health.readiness;
const worker = composeWorker(
  parts,
  {
    name,
    couponKey: environmentKey(config.environmentName, 'coupon', config.couponKey!),
    claimIdleMs: config.workers.claimIdleMs,
    durability: config.durability,
    graceMs: config.workers.recoveryGraceMs,
    autoRedrive: config.workers.autoRedrive,
    notices: notifier && { tell: notifier.tell, lettersMin },
    retainEndedMs: config.workers.retainEndedMs,
    retainLedgerMs: config.workers.retainLedgerMs,
  },
  workerEvents({ log, metrics, health, onError, stopping }),
);
const duties = dutiesOf(worker, { workOnRetries: parts.workOnRetries, readiness });
log.info('issuing');
// To the front that started this worker, if one did: its start is over.
process.send?.('issuing');
await Promise.all(Object.values(duties).map((run) => run(stopping)));
