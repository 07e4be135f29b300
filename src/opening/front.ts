// Opens what a front is made of, in the order in which it closes backwards.

import type { FrontParts, FrontSettings } from '../composition/front.ts';
import type { Config } from '../config/config.ts';
import { frontPromise } from '../doctor/configured.ts';
import { checkStart } from '../doctor/start.ts';
import { BOARD_PATH } from '../http/admin/board.ts';
import { readConnectionUse as ledgerUse } from '../ledger/connection-use.ts';
import { migrate } from '../ledger/migrate.ts';
import { openLedger } from '../ledger/pool.ts';
import { reachLedger } from '../ledger/reach.ts';
import type { Furnished } from '../local/furnish.ts';
import { lately } from '../process/lately.ts';
import { limits } from '../process/limits.ts';
import { openFast } from '../redis/connection.ts';
import { readConnectionUse as redisUse } from '../redis/connection-use.ts';
import { readMemory } from '../redis/memory.ts';
import { createReach } from '../redis/reach.ts';
import { openBoard } from '../retry/board.ts';
import { openRetries } from '../retry/bullmq.ts';
import type { Log } from '../telemetry/log.ts';
import { poolMetrics, storeMetrics } from '../telemetry/store-metrics.ts';
import { watchStores } from './store-watch.ts';

/** All of it closes with `open`. A RefusedStart when a store says that a promise of the configuration cannot be kept. */
export async function openFront(
  config: Config,
  place: Furnished,
  { log, onError }: { log: Log; onError: (error: unknown) => void },
  open: AsyncDisposableStack,
): Promise<FrontParts> {
  const { acquireMs, statementMs, adminConnectionsMax: connectionMax, adminQueueMax: queueMax } = limits;
  const tellsOutbox = config.kafka?.issuancesTopic !== undefined;
  const pool = { url: place.databaseUrl, connectionMax, queueMax, acquireMs, statementMs, tellsOutbox };
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
  poolMetrics(ledger, status);
  const read = { redis: () => redisUse(redis), database: () => ledgerUse(ledger), memory: () => readMemory(redis) };
  const { seen } = open.use(watchStores(read, onError));
  storeMetrics({ connections: seen, memory: () => seen('memory') });
  return { redis, ledger, status, retries, board: board.routes, readTopicLag: topicLagOf(config) };
}

/** Undefined where Redis alone carries tickets. Kafka's client is loaded with the first question: many fronts hear none. */
function topicLagOf({ broker, kafka }: Config): FrontParts['readTopicLag'] {
  if (broker !== 'kafka') return undefined;
  return lately(limits.backlogKeptMs, async () => (await import('../kafka/topic-lag.ts')).readTopicLag(kafka!));
}

type Configured =
  | 'durability'
  | 'ticketKeys'
  | 'couponKey'
  | 'identity'
  | 'ticketsNeedUser'
  | 'trustedProxies'
  | 'corsOrigins'
  | 'publicUrl'
  | 'adminUrl'
  | 'clientLimits'
  | 'sampling'
  | 'metricsCampaigns'
  | 'graceMs'
  | 'autoRedrive'
  | 'tokens';

/** What the configuration, and what a machine was furnished with, say of a front. */
export function frontSettings(config: Config, place: Furnished): Pick<FrontSettings, Configured> {
  const { telemetry, admin, workers } = config;
  return {
    durability: config.durability,
    ticketKeys: place.ticketKeys,
    couponKey: place.couponKey,
    identity: config.identity,
    ticketsNeedUser: config.ticketsNeedUser,
    trustedProxies: config.trustedProxies,
    corsOrigins: config.corsOrigins,
    publicUrl: config.publicUrl,
    adminUrl: config.adminUrl,
    clientLimits: config.clientLimits,
    sampling: telemetry.on && telemetry.traces.exports ? telemetry.traces : { ratio: 0 },
    metricsCampaigns: telemetry.campaigns,
    graceMs: workers.recoveryGraceMs,
    autoRedrive: workers.autoRedrive,
    tokens: { operator: place.adminToken, reader: admin.readToken },
  };
}
