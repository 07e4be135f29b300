// The front and the admin API as `src/main.ts` puts them together, on free ports and on a database of the test file's own.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, type TestContext } from 'vitest';
import type { Campaigns } from '../../src/admission/campaigns.ts';
import type { Tickets } from '../../src/admission/tickets.ts';
import type { Waits } from '../../src/admission/waits.ts';
import { composeFront } from '../../src/composition/front.ts';
import { composeRecovery } from '../../src/composition/recovery.ts';
import type { Durability } from '../../src/domain/durability.ts';
import type { ServerError } from '../../src/domain/server-error.ts';
import type { TicketKeys } from '../../src/domain/ticket.ts';
import type { Gate, ReadGates, Returns } from '../../src/gate/port.ts';
import { createAskedGates } from '../../src/gate/redis/asked-gates.ts';
import { BOARD_PATH } from '../../src/http/admin/board.ts';
import { listen } from '../../src/http/listen.ts';
import type { IdentitySource } from '../../src/http/public/identity.ts';
import { listGatedCampaigns, liveCampaigns } from '../../src/ledger/gated.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import type { SlowReadingOptions } from '../../src/listener/slow-reading.ts';
import { limits } from '../../src/process/limits.ts';
import { openFast, type RedisClient, untilReady } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { loadScript } from '../../src/redis/scripts.ts';
import { openBoard } from '../../src/retry/board.ts';
import { openRetries } from '../../src/retry/bullmq.ts';
import { recoverGates } from '../../workers/recoverer.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { type OwnDatabase, ownDatabase } from '../ledger/own-database.ts';
import { type Client, clientOf } from './client.ts';

export interface FrontSettings {
  redisUrl?: string;
  durability?: Durability;
  ticketKeys?: TicketKeys;
  /** Who says who asks; the bare header if nobody else. */
  identity?: IdentitySource;
  /** As the settings have it: on, unless the bare header says who asks. */
  ticketsNeedUser?: boolean;
  trustedProxies?: string[];
  corsOrigins?: string[];
  publicUrl?: string;
  adminUrl?: string;
  /** 0, the default here, for no limit. */
  joinsPerSecond?: number;
  joinsPerAddressPerSecond?: number;
  pollsPerSecond?: number;
  /** Ms after a rebuild in which only holders of lost tickets are admitted; 0 here. */
  graceMs?: number;
  /** The ledger of those who give back, if not the file's. */
  statusLedger?: Ledger;
  /** Whom both listeners read slowly; nobody by default. */
  slowReading?: SlowReadingOptions;
}

export interface TestFront extends Client, AsyncDisposable {
  url: string;
  adminUrl: string;
  redis: RedisClient;
  gate: Gate;
  returns: Returns;
  readGates: ReadGates;
  campaigns: Campaigns;
  tickets: Tickets;
  waits: Waits;
  /** Clients that wait in a long-poll or a stream. */
  waiterCount: () => number;
  /** What the front reported as an error, except that Redis was out of reach. */
  errors: unknown[];
  /** Every answer with a 5xx, as the log and the metric hear of it. */
  serverErrors: ServerError[];
  /** How many commands were sent to Redis for somebody who asked: all but the background reading of gates, workers and the queue. */
  questionCount: () => number;
  /** Asks clients that wait to go to another front. */
  drain: () => void;
}

export const COUPON_KEY = Buffer.alloc(32, 7);
export const TOKEN = 'an-admin-token-of-tests-only';
export const READ_TOKEN = 'a-read-token-of-tests-only';

export const newKey = (): Buffer => randomBytes(32);
const KEYS: TicketKeys = { current: 1, keys: new Map([[1, newKey()]]) };

export interface Fronts {
  database: OwnDatabase;
  /** The ledger that all fronts of the file share. */
  ledger: () => Ledger;
  /** A front that its caller ends. */
  open: (settings?: FrontSettings) => Promise<TestFront>;
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
    open: (settings = {}) => openFront(ledger(), settings),
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
  const serverErrors: ServerError[] = [];
  const onError = (error: unknown) => {
    if (!isOutOfReach(error)) errors.push(error);
  };
  const url = settings.redisUrl ?? redisUrl();
  const redis = openFast({ url, name: 'test-front', onError: () => undefined, commandMs: limits.gateCallMs });
  const questionCount = countQuestions(redis);
  await untilReady(redis, limits.drainMs);

  const retries = openRetries({ url, onError: () => undefined });
  const board = openBoard({ url, onError: () => undefined }, BOARD_PATH, settings.adminUrl);
  const { durability = 'disk', graceMs = 0, identity = { kind: 'header' }, trustedProxies = [] } = settings;
  const { joinsPerSecond = 0, joinsPerAddressPerSecond = 0, pollsPerSecond = 0 } = settings;
  const { front, admin, ...service } = composeFront(
    { redis, ledger, status: settings.statusLedger ?? ledger, retries, board: board.routes },
    {
      durability,
      ticketKeys: settings.ticketKeys ?? KEYS,
      couponKey: COUPON_KEY,
      identity,
      ticketsNeedUser: settings.ticketsNeedUser ?? identity.kind !== 'header',
      trustedProxies,
      corsOrigins: settings.corsOrigins ?? [],
      publicUrl: settings.publicUrl,
      adminUrl: settings.adminUrl,
      clientLimits: { joinsPerSecond, joinsPerAddressPerSecond, pollsPerSecond },
      sampling: { ratio: 0 },
      metricsCampaigns: undefined,
      graceMs,
      tokens: { operator: TOKEN, reader: READ_TOKEN },
      draining: stop.signal,
      leaving: stop.signal,
      ownWorkersDown: () => [],
      onError,
      onServerError: (error) => {
        serverErrors.push(error);
        if (OURS.includes(error.kind)) errors.push(error.cause);
      },
    },
  );
  // What a worker does: without it a gate stays closed once Redis was away. Not on the Redis that all tests share: there
  // the gates of a front with another Redis and the same ledger would look lost.
  const own = openFast({ url, name: 'test-recovery', onError: () => undefined, commandMs: limits.gateCallMs });
  const recovery = composeRecovery({ redis: own, ledger, retries, durability, graceMs });
  const recovering =
    settings.redisUrl !== undefined &&
    recoverGates(
      {
        liveCampaigns: () => liveCampaigns(ledger),
        listGated: (page) => listGatedCampaigns(ledger, page),
        find: recovery.find,
        stateOf: recovery.gates.state,
        isStillClosed: recovery.isStillClosed,
        closedAmong: recovery.gates.closedAmong,
        takeAsked: createAskedGates(own).take,
        recover: (campaign) => recovery.recover(campaign, 'test-front'),
        onRecovered: () => undefined,
        onAlone: () => undefined,
        onProgress: () => undefined,
        onError,
      },
      stop.signal,
    );
  await until('the front has read the campaigns', 60_000, () => service.knowsCampaigns());
  const { slowReading } = settings;
  const publicListener = await listen({ fetch: front.fetch, host: '127.0.0.1', port: 0, slowReading });
  const adminListener = await listen({ fetch: admin.fetch, host: '127.0.0.1', port: 0, slowReading });
  return {
    ...clientOf({ url: publicListener.url, adminUrl: adminListener.url, token: TOKEN, identity }),
    url: publicListener.url,
    adminUrl: adminListener.url,
    redis,
    gate: service.gate,
    returns: service.returns,
    readGates: service.readGates,
    campaigns: service.campaigns,
    tickets: service.tickets,
    waits: service.waits,
    waiterCount: () => service.waits.count('long-poll') + service.waits.count('stream'),
    errors,
    serverErrors,
    questionCount,
    drain: () => stop.abort(),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([publicListener.close(200), adminListener.close(200), recovering]);
      await service[Symbol.asyncDispose]();
      await Promise.all([retries.close(), board.close()]);
      redis.disconnect();
      own.disconnect();
    },
  };
}

const isOutOfReach = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'redis-unavailable';

/** What is no outage and no refusal: the errors of Sluice itself. */
const OURS = ['defect', 'corrupt-state', 'internal', 'other'];

const READING = new Set(['hgetall', 'zcard', 'time']);
/** What a look at the queue asks besides: fields of gates, and the streams of those with a backlog. */
const LOOKING = new Set(['hmget', 'hget', 'xpending', 'xrange']);
/** What ioredis sends to open a connection, and what the breaker probes with. */
const OPENING = new Set(['ping', 'auth', 'hello', 'info', 'client', 'select', 'quit']);

const COMPARING = loadScript('gates-changed');

function countQuestions(redis: RedisClient): () => number {
  let count = 0;
  const send = redis.sendCommand.bind(redis) as (...args: unknown[]) => unknown;
  redis.sendCommand = (command: { name: string; args: unknown[] }, ...rest: unknown[]) => {
    const isLook = LOOKING.has(command.name) || String(command.args[0]).endsWith(':turns');
    const isReading =
      isLook || READING.has(command.name) || command.args.includes(keys.workers) || command.args[0] === COMPARING.sha;
    if (!isReading && !OPENING.has(command.name)) count += 1;
    return send(command, ...rest);
  };
  return () => count;
}

/** Waits until `front` remembers of `campaign` what `holds` asks for: a change reaches it with the next reading. */
export function untilKnown(
  front: TestFront,
  campaign: string,
  holds: (memory: NonNullable<ReturnType<Campaigns['peek']>>) => boolean,
): Promise<unknown> {
  return until('the front has read the gate', 60_000, async () => {
    const memory = await front.campaigns.get(campaign);
    return memory !== undefined && holds(memory);
  });
}
