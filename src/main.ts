// `npm start`: the front and the admin API; in the local profile also the servers and workers they need.
import { parseArgs } from 'node:util';
import { createCampaignDesk } from './admission/campaign-desk.ts';
import { createCampaigns } from './admission/campaigns.ts';
import { createJoins } from './admission/joins.ts';
import { createTickets } from './admission/tickets.ts';
import { configOrExit } from './config.ts';
import { systemClock } from './domain/clock.ts';
import { createAdmin } from './http/admin.ts';
import { createClientLimits } from './http/client-limits.ts';
import { createFront } from './http/front.ts';
import { createIdentify } from './http/identity.ts';
import { listen } from './http/listen.ts';
import { watchEventLoop } from './http/load-shedding.ts';
import { campaignStore } from './ledger/campaign-store.ts';
import { migrate } from './ledger/migrate.ts';
import { openLedger } from './ledger/pool.ts';
import { listenForStop, pause, tellFailuresPlainly, untilAborted } from './lifecycle.ts';
import { limits } from './limits.ts';
import { furnish } from './local/furnish.ts';
import { welcome } from './local/welcome.ts';
import { createAdmittedTagsReader } from './redis/admitted-tags.ts';
import { openFast, untilReady } from './redis/connection.ts';
import { createGate } from './redis/gate.ts';
import { createGateReader } from './redis/gate-reader.ts';
import { createRedisBreaker, guardGate, guardReader } from './redis/guard.ts';
import { createOldestWaitReader } from './redis/oldest-wait.ts';
import { createSharedLimit } from './redis/shared-limit.ts';
import { createTraceJoin } from './telemetry/join-trace.ts';
import { createLog } from './telemetry/log.ts';
import { breakerMetrics, frontMetrics, poolMetrics } from './telemetry/metrics.ts';
import { startTelemetry } from './telemetry/start.ts';

tellFailuresPlainly();
const config = configOrExit({
  inProduction: ['REDIS_URL', 'DATABASE_URL', 'ADMIN_TOKEN', 'TICKET_KEYS', 'COUPON_KEY', 'GATEWAY_SECRET'],
});
const { values: options } = parseArgs({ options: { 'no-rehearsal': { type: 'boolean', default: false } } });
const say = (line: string) => console.log(line);
const stop = listenForStop();
const log = createLog('sluice-front', config.logLevel);
const onError = (error: unknown) => log.error({ err: error }, 'the front met an error');
await using open = new AsyncDisposableStack();

const place = open.use(await furnish(config, say));
open.use(await startTelemetry({ service: 'sluice-front', ...config.telemetry }));
const ledger = open.use(
  openLedger({
    url: place.databaseUrl,
    name: 'admin',
    connectionMax: limits.adminConnectionsMax,
    queueMax: limits.adminQueueMax,
    acquireMs: limits.acquireMs,
    statementMs: limits.statementMs,
  }),
);
await migrate(ledger);
const redis = open.adopt(
  openFast({ url: place.redisUrl, name: 'sluice-front', onError, commandMs: limits.gateCallMs }),
  (client) => client.disconnect(),
);
await untilReady(redis, limits.drainMs);

const breaker = open.use(createRedisBreaker(redis));
breakerMetrics('redis', breaker);
poolMetrics(ledger);
const gate = guardGate(createGate(redis), breaker);
const readGates = guardReader(createGateReader(redis, systemClock), breaker);
const readAdmittedTags = createAdmittedTagsReader(redis);
const campaigns = createCampaigns({ readGates, readAdmittedTags, clock: systemClock, onError });
// Until the last request is answered: a front that drains serves as well as any other.
const served = new AbortController();
const reading = campaigns.keepReading(served.signal);
open.defer(() => {
  served.abort();
  return reading;
});
const leaving = new AbortController();
const joins = createJoins({ gate, campaigns, clock: systemClock });
const { ticketKeys, couponKey, adminToken } = place;
const { joinsPerSecond, pollsPerSecond } = config.clientLimits;
const { durability } = config;
const windowSeconds = limits.clientWindowSeconds;
const countShared = createSharedLimit(
  redis,
  breaker,
  Math.ceil((joinsPerSecond * windowSeconds) / 2) || 1,
  windowSeconds,
);
const tickets = createTickets({
  gate,
  campaigns,
  ticketKeys,
  couponKey,
  durability,
  pollsPerSecond,
  clock: systemClock,
});
const shedding = open.adopt(watchEventLoop(), (watch) => watch.close());

const front = createFront({
  joins,
  tickets,
  campaigns,
  identify: createIdentify(config.gatewaySecret),
  clientLimits: createClientLimits({ joinsPerSecond, windowSeconds, countShared, clock: systemClock }),
  traceJoin: createTraceJoin(config.telemetry.on ? config.telemetry.traceRatio : 0),
  shedding,
  ...frontMetrics({ joinsWaiting: joins.waitingCount, eventLoopLagMs: shedding.lagMs }),
  draining: stop.signal,
  leaving: leaving.signal,
  missing: async () => (redis.status === 'ready' && !breaker.isOpen() ? [] : ['redis']),
  onError,
});
const readOldestWaitMs = createOldestWaitReader(redis, systemClock);
const desk = createCampaignDesk({ store: campaignStore(ledger), gate, readGates, readOldestWaitMs, onError });
const admin = createAdmin({ desk, campaigns, token: adminToken, onError });

open.use(await place.startWorkers());
const publicListener = await listen({ fetch: front.fetch, ...config.front });
open.defer(async () => {
  leaving.abort();
  const count = await publicListener.close(limits.drainMs);
  if (count === 0) return;
  log.error({ count }, 'connections were cut: their requests took longer than the drain');
  process.exitCode = 1;
});
const adminListener = await listen({ fetch: admin.fetch, host: config.admin.host, port: config.admin.port });
open.defer(() => adminListener.close(1_000).then(() => undefined));
const rehearse = !options['no-rehearsal'];
const urls = { publicUrl: publicListener.url, adminUrl: adminListener.url };
await welcome({ place, config, ...urls, rehearse, say, stopping: stop.signal });
await untilAborted(stop.signal);
// First the balancer hears of it, from /readyz; then connections end with their next answer, and who waits goes elsewhere.
await pause(config.drainNoticeMs / 2);
publicListener.windDown();
leaving.abort();
await pause(config.drainNoticeMs / 2);
