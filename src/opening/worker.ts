// Opens what a worker is made of, in the order in which it closes backwards.

import type { WorkerParts } from '../composition/worker-parts.ts';
import type { Config } from '../config/config.ts';
import { workerPromise } from '../doctor/configured.ts';
import { checkStart } from '../doctor/start.ts';
import { environmentKey, recordKeyOf } from '../domain/environment-keys.ts';
import { createLedgerGuard } from '../ledger/guard.ts';
import { openLedger } from '../ledger/pool.ts';
import { reachLedger } from '../ledger/reach.ts';
import { limits } from '../process/limits.ts';
import { openFast, openReading } from '../redis/connection.ts';
import { createReach } from '../redis/reach.ts';
import { openRetries, workOnRetries } from '../retry/bullmq.ts';
import type { RetryWork } from '../retry/port.ts';
import type { Log } from '../telemetry/log.ts';
import { breakerMetrics, poolMetrics } from '../telemetry/store-metrics.ts';

export interface OpenWorkerParts extends WorkerParts {
  /** Takes jobs from the retry queue until `stopping` aborts. */
  workOnRetries: (work: RetryWork, stopping: AbortSignal) => Promise<void>;
}

/** All of it closes with `open`. A RefusedStart when a store says that a promise of the configuration cannot be kept. */
export async function openWorker(
  config: Config,
  { name, log, onError }: { name: string; log: Log; onError: (error: unknown) => void },
  open: AsyncDisposableStack,
): Promise<OpenWorkerParts> {
  const { acquireMs, statementMs, workerQueueMax, readMs } = limits;
  const tellsOutbox = config.kafka?.issuancesTopic !== undefined;
  const pool = {
    connectionMax: config.workers.connections,
    queueMax: workerQueueMax,
    acquireMs,
    statementMs,
    tellsOutbox,
  };
  const ledger = open.use(openLedger({ url: config.databaseUrl!, name: 'worker', ...pool }));
  const server = { url: config.redisUrl!, ca: config.redisCa };
  const connection = { ...server, name: `sluice-worker:${name}` };
  const reach = createReach(server.url, onError);
  const redis = open.adopt(openFast({ ...connection, onError: reach.onError, commandMs: statementMs }), (client) =>
    client.disconnect(),
  );
  await reach.until(redis, limits.drainMs);
  // It starts without its ledger, too, and waits for it; not with a password that is wrong.
  await reachLedger(config.databaseUrl!, () => ledger.run('SELECT 1', []), { canWait: true });
  await checkStart({ redis, ledger, ...workerPromise(config) }, log);
  const retries = open.adopt(openRetries({ ...server, onError }), (opened) => opened.close());
  const guard = open.use(createLedgerGuard(ledger));
  const { kafka, publish } = await openBrokers(config, { name, log }, open);
  breakerMetrics('ledger', guard.breaker);
  poolMetrics(ledger);
  return {
    redis,
    ledger,
    guard,
    retries,
    kafka,
    publish,
    openReader: (reader) => openReading({ ...server, name: `sluice-reader:${reader}`, commandMs: readMs, onError }),
    workOnRetries: (work, stopping) => workOnRetries({ ...server, onError }, work, stopping),
  };
}

/** What goes through Kafka. Loaded where it is chosen: Kafka's client is a quarter of what a worker compiles when it starts. */
async function openBrokers(
  { broker, kafka, environmentName, couponKey }: Config,
  as: { name: string; log: Log },
  open: AsyncDisposableStack,
): Promise<Pick<WorkerParts, 'kafka' | 'publish'>> {
  const { issuancesTopic } = kafka ?? {};
  if (broker !== 'kafka' && issuancesTopic === undefined) return {};
  const { openIssuances, openKafka } = await import('./kafka.ts');
  const sealKey = recordKeyOf(environmentKey(environmentName, 'coupon', couponKey!));
  return {
    kafka: broker === 'kafka' ? await openKafka(kafka!, { ...as, sealKey }, open) : undefined,
    publish: issuancesTopic === undefined ? undefined : await openIssuances({ kafka, environmentName }, as, open),
  };
}
