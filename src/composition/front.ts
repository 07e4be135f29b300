// The public and the admin application, put together of the stores: the front itself does it, and its tests do.
import type { Hono } from 'hono';
import { createCampaignRoll } from '../admission/campaign-roll.ts';
import { type Campaigns, createCampaigns } from '../admission/campaigns.ts';
import { createClosedGates } from '../admission/closed-gates.ts';
import { createJoins } from '../admission/joins.ts';
import { createTickets, type Tickets } from '../admission/tickets.ts';
import { createWaits, type Waits } from '../admission/waits.ts';
import { createCampaignDesk } from '../desk/campaign-desk.ts';
import { attentionOf, createCampaignList } from '../desk/campaign-list.ts';
import { createLetterDesk } from '../desk/letter-desk.ts';
import { createServiceStatus } from '../desk/service-status.ts';
import type { AutoRedrivePolicy } from '../domain/auto-redrive.ts';
import { spanClock, systemClock } from '../domain/clock.ts';
import type { ConnectionUse } from '../domain/connection-use.ts';
import { type Durability, waitsForReplica } from '../domain/durability.ts';
import type { AskedTicket } from '../domain/ended-campaign.ts';
import type { ServerError } from '../domain/server-error.ts';
import type { TopicLag } from '../domain/service-status.ts';
import type { TicketKeys } from '../domain/ticket.ts';
import type { WaitingTickets } from '../domain/waiting.ts';
import type { Gate, ReadGates, Returns } from '../gate/port.ts';
import { createAskedGates } from '../gate/redis/asked-gates.ts';
import { createFrontReaders } from '../gate/redis/front-readers.ts';
import { createGate } from '../gate/redis/gate.ts';
import { createGateGlances } from '../gate/redis/gate-glances.ts';
import { createGateReader } from '../gate/redis/gate-reader.ts';
import {
  createRedisBreaker,
  guardEachReader,
  guardGate,
  guardGlances,
  guardReader,
  guardReturns,
} from '../gate/redis/guard.ts';
import { createLines } from '../gate/redis/lines.ts';
import { createOldestWaitReader } from '../gate/redis/oldest-wait.ts';
import { createQueueWatch, lookAtQueue, type QueueWatch } from '../gate/redis/queue-look.ts';
import { createReturns } from '../gate/redis/returns.ts';
import { createGiveBack } from '../giving-back/give-back.ts';
import { createAdmin } from '../http/admin/admin.ts';
import type { AdminTokens } from '../http/admin/roles.ts';
import { type CountAnswer, countingAnswers } from '../http/answer-metrics.ts';
import { createAddressOf } from '../http/client-address.ts';
import { createJoinLimits } from '../http/public/client-limits.ts';
import { withCors } from '../http/public/cors.ts';
import { createFront } from '../http/public/front.ts';
import { createIdentify, type IdentitySource } from '../http/public/identity.ts';
import { watchEventLoop } from '../http/public/load-shedding.ts';
import { createFrontReadiness, type FrontReadiness } from '../http/readiness.ts';
import { tellingServerErrors } from '../http/server-errors.ts';
import { campaignStore } from '../ledger/campaign-store.ts';
import { readConnectionUse } from '../ledger/connection-use.ts';
import { findEnd, findEndedTicket } from '../ledger/ended.ts';
import { cancellationStore, letterStore } from '../ledger/letter-store.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { Breaker } from '../process/breaker.ts';
import { lately } from '../process/lately.ts';
import { limits } from '../process/limits.ts';
import { type RedisClient, redisFault } from '../redis/connection.ts';
import { readConnectionUse as readRedisUse } from '../redis/connection-use.ts';
import { createReplicaBarrier } from '../redis/replica-barrier.ts';
import { createSharedLimit } from '../redis/shared-limit.ts';
import { createFrontReports, createWorkerReports } from '../redis/worker-reports.ts';
import type { Retries } from '../retry/port.ts';
import { createCampaignLabels } from '../telemetry/campaign-labels.ts';
import { frontMetrics } from '../telemetry/front-metrics.ts';
import { requestMetrics } from '../telemetry/http-metrics.ts';
import { createJoinTraces, type JoinSampling } from '../telemetry/join-trace.ts';
import { createRetryTraces } from '../telemetry/retry-trace.ts';
import { createTicketTraces } from '../telemetry/ticket-trace.ts';
import { composeEnding } from './ending.ts';
import { composeRecovery } from './recovery.ts';

export interface FrontParts {
  /** Fast: a command that is not answered within the gate's call limit fails. */
  redis: RedisClient;
  /** For operators. */
  ledger: Ledger;
  /** For buyers who give back: a crowd of them must not keep operators out. */
  status: Ledger;
  retries: Retries;
  /** The retrier's queue as pages. */
  board: Hono;
  /** Undefined where no Kafka carries tickets. */
  readTopicLag?: (() => Promise<TopicLag>) | undefined;
}

export interface FrontSettings {
  durability: Durability;
  ticketKeys: TicketKeys;
  couponKey: Buffer;
  identity: IdentitySource;
  /** The code is shown, and a ticket taken back, only where its owner asks. */
  ticketsNeedUser: boolean;
  trustedProxies: readonly string[];
  /** Origins of pages that may ask the public listener. */
  corsOrigins: readonly string[];
  /** Where buyers and operators reach the listeners, if that is not their own address. */
  publicUrl: string | undefined;
  adminUrl: string | undefined;
  /** 0 for no limit. */
  clientLimits: { joinsPerSecond: number; joinsPerAddressPerSecond: number; pollsPerSecond: number };
  /** Which joins are traced. */
  sampling: JoinSampling;
  /** The campaigns that may be labels of metrics; undefined for the busiest. */
  metricsCampaigns: readonly string[] | undefined;
  /** Ms after a rebuild in which only holders of lost tickets are admitted. */
  graceMs: number;
  tokens: AdminTokens;
  /** When workers redrive dead letters; told beside each letter. */
  autoRedrive?: readonly AutoRedrivePolicy[];
  /** Aborts when the balancer is to leave this front. */
  draining: AbortSignal;
  /** Aborts when who waits here is to ask elsewhere. */
  leaving: AbortSignal;
  /** Numbers of the workers that this process started and that do not run now. */
  ownWorkersDown: () => number[];
  onError: (error: unknown) => void;
  /** Hears of every answer with a 5xx, of both listeners. */
  onServerError: (error: ServerError) => void;
  /** Hears of each wrong token on the admin listener. */
  onAdminRefused?: () => void;
}

/** Dispose of it after its last answer, and before the connections it was made of. */
export interface ComposedFront extends AsyncDisposable {
  front: ReturnType<typeof countingAnswers>;
  admin: ReturnType<typeof countingAnswers>;
  /** Whether answers are counted; on at first. */
  counting: { isOn: boolean };
  breaker: Breaker;
  gate: Gate;
  returns: Returns;
  readGates: ReadGates;
  campaigns: Campaigns;
  tickets: Tickets;
  waits: Waits;
  readiness: FrontReadiness;
  /** What waits for a worker, at most `limits.backlogKeptMs` old, however often it is asked for. Throws a Fault. */
  readWaiting: () => Promise<WaitingTickets>;
  /** What waits, by shard and by campaign, for the metrics of a process; it looks once a process has it look. */
  queue: QueueWatch;
  /** Of the database, all accounts; undefined where it does not say it. Throws a Fault. */
  readConnections: () => Promise<ConnectionUse | undefined>;
  /** False until the campaigns of the ledger were read once: until then an unknown one is 503, not 404. */
  knowsCampaigns: () => boolean;
}

export function composeFront(parts: FrontParts, settings: FrontSettings): ComposedFront {
  const { redis, ledger, status, retries, board, readTopicLag } = parts;
  const { durability, ticketKeys, couponKey, clientLimits, corsOrigins, publicUrl, graceMs, onError } = settings;
  const breaker = createRedisBreaker(redis);
  const asked = createAskedGates(redis);
  const closed = createClosedGates({ note: (ids) => breaker.run(() => asked.note(ids)), onError });
  const gate = closed.noting(guardGate(createGate(redis), breaker));
  const returns = guardReturns(createReturns(redis), breaker);
  const readGates = guardReader(createGateReader(redis), breaker);
  const store = campaignStore(ledger);
  const roll = createCampaignRoll({ listIds: (page) => store.listGatedIds(page), onError });
  const readers = createFrontReaders(redis);
  const campaigns = createCampaigns({
    ...readers,
    readGates: guardEachReader(readers.readGates, breaker),
    readChanged: guardEachReader(readers.readChanged, breaker),
    exists: (id) => roll.mayHave(id),
    findEnd: (id) => findEnd(status, id),
    onFound: (id) => roll.learn(id),
    onClosed: closed.note,
    onError,
  });
  const { draining, ownWorkersDown } = settings;
  const reports = createWorkerReports(redis);
  const readiness = createFrontReadiness({
    draining,
    isRedisAway: () => redis.status !== 'ready' || breaker.isOpen(),
    readWorkers: () => breaker.run(reports.read),
    ownWorkersDown,
    onError,
  });
  // Until the last request is answered: a front that drains serves as well as any other.
  const served = new AbortController();
  const reading = Promise.all([campaigns, roll, readiness].map((reader) => reader.keepReading(served.signal)));
  const barrier = waitsForReplica(durability)
    ? createReplicaBarrier(redis, (error) => onError(redisFault(error)))
    : undefined;
  const joins = createJoins({ gate, campaigns, barrier, closed });
  const { pollsPerSecond } = clientLimits;
  const told = { durability, publicUrl, pollsPerSecond };
  const findTicket = (asked: AskedTicket) => findEndedTicket(status, asked);
  const tickets = createTickets({ gate, campaigns, barrier, ticketKeys, couponKey, findTicket, ...told });
  const lines = createLines(redis);
  const waits = createWaits({ campaigns, tickets, leaving: settings.leaving });
  const openCount = (points: number, seconds: number) => createSharedLimit(redis, breaker, points, seconds);
  const shedding = watchEventLoop();
  const front = createFront({
    joins,
    tickets,
    waits,
    giveBack: createGiveBack({ store: cancellationStore(status), returns, campaigns, tickets }),
    campaigns,
    corsOrigins,
    publicUrl,
    identify: createIdentify(settings.identity, { clock: systemClock, onError }),
    ticketsNeedUser: settings.ticketsNeedUser,
    addressOf: createAddressOf(settings.trustedProxies),
    clientLimits: createJoinLimits({ ...clientLimits, openCount, now: spanClock }),
    traces: createJoinTraces(settings.sampling),
    traceTicket: createTicketTraces(),
    shedding,
    ...frontMetrics(
      {
        joinsWaiting: joins.waitingCount,
        clientsWaiting: (kind) => waits.count(kind),
        eventLoopLagMs: shedding.lagMs,
        redisClockErrorMs: () => campaigns.clockErrorMs(),
        workersSeen: readiness.workersSeen,
        noneReadyMs: readiness.noneReadyMs,
        stockOf: (campaign) => campaigns.glance(campaign)?.view,
      },
      createCampaignLabels(settings.metricsCampaigns),
    ),
    readiness: readiness.readiness,
    readinessDetails: readiness.details,
  });
  const retryTraces = createRetryTraces();
  const readWaiting = lately(limits.backlogKeptMs, () => breaker.run(() => lines.waiting()));
  const readConnections = () => readConnectionUse(ledger);
  const list = createCampaignList({ store, glances: guardGlances(createGateGlances(redis), breaker), onError });
  const { look, repair } = composeRecovery({ redis, ledger, retries, durability, graceMs });
  const admin = createAdmin({
    reconcile: { look, repair, readTopicLag },
    ending: composeEnding({ redis, ledger, retries, name: 'front' }),
    desk: createCampaignDesk({
      store,
      gate,
      readGates,
      readOldestWaitMs: createOldestWaitReader(redis),
      onChanged: (id, version) => campaigns.expectVersion(id, version),
      onError,
    }),
    list,
    status: createServiceStatus({
      readRedisConnections: () => breaker.run(() => readRedisUse(redis)),
      readDatabaseConnections: readConnections,
      readTopicLag,
      readFronts: () => breaker.run(createFrontReports(redis).read),
      readWorkers: () => breaker.run(reports.read),
      readWaiting,
      countRetries: () => retries.count(),
      countDeadLetters: () => store.countDeadLetters(),
      readAttention: lately(limits.attentionKeptMs, () => attentionOf(list)),
    }),
    campaigns,
    letters: createLetterDesk({
      store: letterStore(ledger),
      cancellations: cancellationStore(ledger),
      returns,
      readGates,
      scheduleRetry: (job) => retryTraces.schedule(job, (traced) => retries.schedule(traced)),
      readTicket: (text) => tickets.hold(text)?.ticket,
      onError,
    }),
    board,
    tokens: settings.tokens,
    autoRedrive: settings.autoRedrive,
    onRefused: settings.onAdminRefused,
    adminUrl: settings.adminUrl,
  });
  const count = requestMetrics();
  const counting = { isOn: true };
  const countAnswer: CountAnswer = (answered, seconds) => counting.isOn && count(answered, seconds);
  const counted = (fetch: Parameters<typeof tellingServerErrors>[0], listener: 'public' | 'admin') =>
    countingAnswers(tellingServerErrors(fetch, listener, settings.onServerError).fetch, listener, countAnswer);
  return {
    front: counted(withCors(front.fetch, corsOrigins), 'public'),
    admin: counted(admin.fetch, 'admin'),
    counting,
    breaker,
    gate,
    returns,
    readGates,
    campaigns,
    tickets,
    waits,
    readiness,
    readWaiting,
    queue: createQueueWatch(() => breaker.run(() => lookAtQueue(redis)), onError),
    readConnections,
    knowsCampaigns: () => roll.isRead(),
    [Symbol.asyncDispose]: async () => {
      served.abort();
      await reading;
      shedding.close();
      barrier?.close();
      breaker[Symbol.dispose]();
    },
  };
}
