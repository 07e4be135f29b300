// The front and the admin API as `src/main.ts` puts them together, on free ports and on a database of the test file's own.
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, type TestContext } from 'vitest';
import { createCampaignDesk } from '../../src/admission/campaign-desk.ts';
import { type Campaigns, createCampaigns } from '../../src/admission/campaigns.ts';
import { createJoins } from '../../src/admission/joins.ts';
import { createTickets } from '../../src/admission/tickets.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { TicketKeys } from '../../src/domain/ticket.ts';
import { createAdmin } from '../../src/http/admin.ts';
import { createClientLimits } from '../../src/http/client-limits.ts';
import { createFront } from '../../src/http/front.ts';
import { createIdentify } from '../../src/http/identity.ts';
import { listen } from '../../src/http/listen.ts';
import { watchEventLoop } from '../../src/http/load-shedding.ts';
import { campaignStore } from '../../src/ledger/campaign-store.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { limits } from '../../src/limits.ts';
import { createAdmittedTagsReader } from '../../src/redis/admitted-tags.ts';
import { openFast, untilReady } from '../../src/redis/connection.ts';
import { createGate, type Gate } from '../../src/redis/gate.ts';
import { createGateReader, type ReadGates } from '../../src/redis/gate-reader.ts';
import { createRedisBreaker, guardGate, guardReader } from '../../src/redis/guard.ts';
import { createOldestWaitReader } from '../../src/redis/oldest-wait.ts';
import { createSharedLimit } from '../../src/redis/shared-limit.ts';
import { createTraceJoin } from '../../src/telemetry/join-trace.ts';
import { frontMetrics } from '../../src/telemetry/metrics.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { type OwnDatabase, ownDatabase } from '../ledger/own-database.ts';
import { type Client, clientOf } from './client.ts';

export interface FrontSettings {
  redisUrl?: string;
  ticketKeys?: TicketKeys;
  gatewaySecret?: string;
  /** 0, the default here, for no limit. */
  joinsPerSecond?: number;
  pollsPerSecond?: number;
}

export interface TestFront extends Client, AsyncDisposable {
  url: string;
  adminUrl: string;
  redis: Redis;
  gate: Gate;
  readGates: ReadGates;
  campaigns: Campaigns;
  /** Clients that wait in a long-poll or a stream. */
  waiterCount: () => number;
  /** What the front reported as an error, except that Redis was out of reach. */
  errors: unknown[];
  /** How many commands were sent to Redis for somebody who asked: all but the background reading of the gates. */
  questionCount: () => number;
  /** Asks clients that wait to go to another front. */
  drain: () => void;
}

export const COUPON_KEY = Buffer.alloc(32, 7);
export const TOKEN = 'an-admin-token-of-tests-only';

export const newKey = (): Buffer => randomBytes(32);
const KEYS: TicketKeys = { current: 1, keys: new Map([[1, newKey()]]) };

export interface Fronts {
  database: OwnDatabase;
  /** The ledger that all fronts of the file share. */
  ledger: () => Ledger;
  /** A front that ends with the test. */
  start: (t: TestContext, settings?: FrontSettings) => Promise<TestFront>;
  /** One front for the whole file; call at its top. */
  shared: (settings?: FrontSettings) => () => TestFront;
}

/** Call at the top of a test file. */
export function fronts(): Fronts {
  const database = ownDatabase();
  let opened: Ledger | undefined;
  const ledger = () => {
    opened ??= database.open({ connectionMax: 8, acquireMs: limits.acquireMs, statementMs: limits.statementMs });
    return opened;
  };
  return {
    database,
    ledger,
    start: async (t, settings = {}) => {
      const front = await openFront(ledger(), settings);
      t.onTestFinished(() => front[Symbol.asyncDispose]());
      return front;
    },
    shared: (settings = {}) => {
      let front: TestFront | undefined;
      beforeAll(async () => {
        front = await openFront(ledger(), settings);
      });
      afterAll(async () => front?.[Symbol.asyncDispose]());
      return () => front!;
    },
  };
}

async function openFront(ledger: Ledger, settings: FrontSettings): Promise<TestFront> {
  const stop = new AbortController();
  const errors: unknown[] = [];
  const onError = (error: unknown) => {
    if (!isOutOfReach(error)) errors.push(error);
  };
  const url = settings.redisUrl ?? redisUrl();
  const redis = openFast({ url, name: 'test-front', onError: () => undefined, commandMs: limits.gateCallMs });
  const questionCount = countQuestions(redis);
  await untilReady(redis, limits.drainMs);

  const breaker = createRedisBreaker(redis);
  const gate = guardGate(createGate(redis), breaker);
  const readGates = guardReader(createGateReader(redis, systemClock), breaker);
  const readAdmittedTags = createAdmittedTagsReader(redis);
  const campaigns = createCampaigns({ readGates, readAdmittedTags, clock: systemClock, onError });
  const reading = campaigns.keepReading(stop.signal);
  const joins = createJoins({ gate, campaigns, clock: systemClock });
  const tickets = createTickets({
    gate,
    campaigns,
    ticketKeys: settings.ticketKeys ?? KEYS,
    couponKey: COUPON_KEY,
    durability: 'disk',
    pollsPerSecond: settings.pollsPerSecond ?? 0,
    clock: systemClock,
  });
  const shedding = watchEventLoop();
  const joinsPerSecond = settings.joinsPerSecond ?? 0;
  const windowSeconds = limits.clientWindowSeconds;
  const countShared = createSharedLimit(
    redis,
    breaker,
    Math.ceil((joinsPerSecond * windowSeconds) / 2) || 1,
    windowSeconds,
  );
  const front = createFront({
    joins,
    tickets,
    campaigns,
    identify: createIdentify(settings.gatewaySecret),
    clientLimits: createClientLimits({ joinsPerSecond, windowSeconds, countShared, clock: systemClock }),
    traceJoin: createTraceJoin(0),
    shedding,
    ...frontMetrics({ joinsWaiting: joins.waitingCount, eventLoopLagMs: shedding.lagMs }),
    draining: stop.signal,
    leaving: stop.signal,
    missing: async () => (redis.status === 'ready' && !breaker.isOpen() ? [] : ['redis']),
    onError,
  });
  const readOldestWaitMs = createOldestWaitReader(redis, systemClock);
  const desk = createCampaignDesk({ store: campaignStore(ledger), gate, readGates, readOldestWaitMs, onError });
  const admin = createAdmin({ desk, campaigns, token: TOKEN, onError });
  const publicListener = await listen({ fetch: front.fetch, host: '127.0.0.1', port: 0 });
  const adminListener = await listen({ fetch: admin.fetch, host: '127.0.0.1', port: 0 });
  return {
    ...clientOf({ url: publicListener.url, adminUrl: adminListener.url, token: TOKEN, settings }),
    url: publicListener.url,
    adminUrl: adminListener.url,
    redis,
    gate,
    readGates,
    campaigns,
    waiterCount: () => tickets.waiterCount(),
    errors,
    questionCount,
    drain: () => stop.abort(),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([publicListener.close(200), adminListener.close(200), reading]);
      shedding.close();
      breaker[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

const isOutOfReach = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'redis-unavailable';

const READING = new Set(['hgetall', 'zcard']);
/** What ioredis sends to open a connection, and what the breaker probes with. */
const OPENING = new Set(['ping', 'auth', 'hello', 'info', 'client', 'select', 'quit']);

function countQuestions(redis: Redis): () => number {
  let count = 0;
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    if (!READING.has(command.name) && !OPENING.has(command.name)) count += 1;
    return send(command, stream);
  };
  return () => count;
}

/** Waits until `front` remembers of `campaign` what `holds` asks for: a change reaches it with the next reading. */
export function untilKnown(
  front: TestFront,
  campaign: string,
  holds: (memory: NonNullable<ReturnType<Campaigns['peek']>>) => boolean,
): Promise<unknown> {
  return until('the front has read the gate', 5_000, async () => {
    const memory = await front.campaigns.get(campaign);
    return memory !== undefined && holds(memory);
  });
}
