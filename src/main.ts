// `npm start`: the front and the admin API; in the local profile also the servers and workers they need.
import { parseArgs } from 'node:util';
import { createCampaignDesk } from './admission/campaign-desk.ts';
import { createCampaignRoll } from './admission/campaign-roll.ts';
import { createCampaigns } from './admission/campaigns.ts';
import { createGiveBack } from './admission/give-back.ts';
import { createJoins } from './admission/joins.ts';
import { createLetterDesk } from './admission/letter-desk.ts';
import { createTickets } from './admission/tickets.ts';
import { configOrExit } from './config.ts';
import { frontPromise } from './doctor/configured.ts';
import { checkStart } from './doctor/start.ts';
import { systemClock } from './domain/clock.ts';
import { waitsForReplica } from './domain/durability.ts';
import { createAdmin } from './http/admin.ts';
import { BOARD_PATH } from './http/board.ts';
import { createAddressOf } from './http/client-address.ts';
import { createJoinLimits } from './http/client-limits.ts';
import { createFront } from './http/front.ts';
import { createIdentify } from './http/identity.ts';
import { listen } from './http/listen.ts';
import { watchEventLoop } from './http/load-shedding.ts';
import { campaignStore, epochStore } from './ledger/campaign-store.ts';
import { cancellationStore, letterStore } from './ledger/letter-store.ts';
import { migrate } from './ledger/migrate.ts';
import { openLedger } from './ledger/pool.ts';
import { listenForStop, pause, tellFailuresPlainly, untilAborted } from './lifecycle.ts';
import { limits } from './limits.ts';
import { furnish } from './local/furnish.ts';
import { welcome } from './local/welcome.ts';
import { reconcile } from './recovery/reconcile.ts';
import { recoverGate } from './recovery/recover.ts';
import { reportOf } from './recovery/report.ts';
import { createAdmittedTagsReader } from './redis/admitted-tags.ts';
import { openFast, untilReady } from './redis/connection.ts';
import { createGate } from './redis/gate.ts';
import { createGateBuilder } from './redis/gate-builder.ts';
import { createGateContents } from './redis/gate-contents.ts';
import { createEachGateReader, createGateReader } from './redis/gate-reader.ts';
import { createRedisBreaker, guardEachReader, guardPort, guardReader } from './redis/guard.ts';
import { createOldestWaitReader } from './redis/oldest-wait.ts';
import { createReplicaBarrier } from './redis/replica-barrier.ts';
import { createCancelledTagsReader, createReturns } from './redis/returns.ts';
import { createSharedLimit } from './redis/shared-limit.ts';
import { openBoard } from './retry/board.ts';
import { openRetries } from './retry/bullmq.ts';
import { errorWords } from './telemetry/describe-error.ts';
import { createTraceJoin } from './telemetry/join-trace.ts';
import { createLog } from './telemetry/log.ts';
import { breakerMetrics, frontMetrics, poolMetrics } from './telemetry/metrics.ts';
import { startTelemetry } from './telemetry/start.ts';

tellFailuresPlainly(errorWords);
const config = configOrExit({
  inProduction: ['REDIS_URL', 'DATABASE_URL', 'ADMIN_TOKEN', 'TICKET_KEYS', 'COUPON_KEY'],
  identity: true,
});
const { values: options } = parseArgs({ options: { 'no-rehearsal': { type: 'boolean', default: false } } });
const say = (line: string) => console.log(line);
const stop = listenForStop();
const log = createLog('sluice-front', config.logLevel);
const onError = (error: unknown) => log.error({ err: error }, 'the front met an error');
await using open = new AsyncDisposableStack();

const place = open.use(await furnish(config, say));
open.use(await startTelemetry({ service: 'sluice-front', ...config.telemetry }));
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
const redis = open.adopt(
  openFast({ url: place.redisUrl, ca: config.redisCa, name: 'sluice-front', onError, commandMs: limits.gateCallMs }),
  (client) => client.disconnect(),
);
await untilReady(redis, limits.drainMs);
await checkStart({ redis, ledger, ...frontPromise(config) }, log);
await migrate(ledger);
const retryQueue = { url: place.redisUrl, onError };
const retries = open.adopt(openRetries(retryQueue), (opened) => opened.close());
const board = open.adopt(openBoard(retryQueue, BOARD_PATH), (opened) => opened.close());

const breaker = open.use(createRedisBreaker(redis));
breakerMetrics('redis', breaker);
poolMetrics(ledger);
poolMetrics(status);
const gate = guardPort(createGate(redis), breaker);
const readGates = guardReader(createGateReader(redis, systemClock), breaker);
const readAdmittedTags = createAdmittedTagsReader(redis);
const store = campaignStore(ledger);
const roll = createCampaignRoll({ list: (page) => store.list(page), onError });
const returns = guardPort(createReturns(redis), breaker);
const campaigns = createCampaigns({
  readGates: guardEachReader(createEachGateReader(redis, systemClock), breaker),
  readAdmittedTags,
  readCancelledTags: createCancelledTagsReader(redis),
  exists: (id) => roll.has(id),
  clock: systemClock,
  onError,
});
// Until the last request is answered: a front that drains serves as well as any other.
const served = new AbortController();
const reading = Promise.all([campaigns.keepReading(served.signal), roll.keepReading(served.signal)]);
open.defer(() => {
  served.abort();
  return reading.then(() => undefined);
});
const leaving = new AbortController();
const { durability } = config;
const barrier = waitsForReplica(durability)
  ? open.adopt(createReplicaBarrier(redis, onError), (opened) => opened.close())
  : undefined;
const joins = createJoins({ gate, campaigns, barrier, clock: systemClock });
const { ticketKeys, couponKey, adminToken } = place;
const { pollsPerSecond } = config.clientLimits;
const tickets = createTickets({
  gate,
  campaigns,
  ticketKeys,
  couponKey,
  durability,
  pollsPerSecond,
  clock: systemClock,
});
const openCount = (points: number, seconds: number) => createSharedLimit(redis, breaker, points, seconds);
const shedding = open.adopt(watchEventLoop(), (watch) => watch.close());

const front = createFront({
  joins,
  tickets,
  giveBack: createGiveBack({ store: cancellationStore(status), returns, campaigns, tickets, clock: systemClock }),
  campaigns,
  identify: createIdentify(config.identity, { clock: systemClock, onError }),
  addressOf: createAddressOf(config.trustedProxies),
  clientLimits: createJoinLimits({ ...config.clientLimits, openCount, clock: systemClock }),
  traceJoin: createTraceJoin(config.telemetry.on ? config.telemetry.traceRatio : 0),
  shedding,
  ...frontMetrics({ joinsWaiting: joins.waitingCount, eventLoopLagMs: shedding.lagMs }),
  draining: stop.signal,
  leaving: leaving.signal,
  missing: async () => (redis.status === 'ready' && !breaker.isOpen() ? [] : ['redis']),
  onError,
});
const readOldestWaitMs = createOldestWaitReader(redis, systemClock);
const desk = createCampaignDesk({ store, gate, readGates, readOldestWaitMs, onError });
const letters = createLetterDesk({
  store: letterStore(ledger),
  cancellations: cancellationStore(ledger),
  returns,
  readGates,
  scheduleRetry: (job) => retries.schedule(job),
  readTicket: (text) => tickets.hold(text)?.ticket,
  onError,
});
const recovering = {
  gates: createGateBuilder(redis),
  contents: createGateContents(redis),
  readGates,
  ledger: epochStore(ledger),
  listRetries: (campaign: string) => retries.list(campaign),
  graceMs: config.workers.recoveryGraceMs,
};
const admin = createAdmin({
  reconcile: {
    look: async (campaign) => {
      const found = await reconcile(recovering, campaign);
      return found && reportOf(campaign, found);
    },
    repair: async (campaign, actor) =>
      (await recoverGate({ ...recovering, worker: actor }, campaign, true)) !== undefined,
  },
  desk,
  campaigns,
  letters,
  board: board.routes,
  tokens: { operator: adminToken, reader: config.admin.readToken },
  onError,
});

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
