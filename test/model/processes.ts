// The processes of a simulated service: the product's own code, composed as its programs compose it, over the model's
// stores.
import { Hono } from 'hono';
import { createRedisStreams } from '../../src/broker/redis-streams.ts';
import { composeFront } from '../../src/composition/front.ts';
import { composeRecovery } from '../../src/composition/recovery.ts';
import type { IssuanceRow } from '../../src/domain/issuance.ts';
import type { RetryJob } from '../../src/domain/retry-job.ts';
import { reapConsumers } from '../../src/gate/redis/consumers.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createEachGateReader, createGateReader } from '../../src/gate/redis/gate-reader.ts';
import { createReturns } from '../../src/gate/redis/returns.ts';
import { campaignStore } from '../../src/ledger/campaign-store.ts';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { createLedgerGuard } from '../../src/ledger/guard.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { cancellationStore, letterStore } from '../../src/ledger/letter-store.ts';
import { watchCampaigns } from '../../workers/campaign-watch.ts';
import { finishHalfDone } from '../../workers/finisher.ts';
import { issueTickets } from '../../workers/issuer.ts';
import { tidyUp } from '../../workers/janitor.ts';
import { recoverGates } from '../../workers/recoverer.ts';
import { createRetryWork } from '../../workers/retrier.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import type { RedisStore } from './redis-store.ts';
import type { RetryQueue } from './retry-queue.ts';
import type { Actor } from './time.ts';
import type { World } from './world.ts';

export interface Stores {
  world: World;
  redis: RedisStore;
  ledger: MemoryLedger;
  retries: RetryQueue;
  idleMs: { claim: number; halfDone: number };
  /** Hears what processes would have logged as an error. */
  onError: (actor: string, error: unknown) => void;
}

export const OPERATOR_TOKEN = 'an-operator-of-the-model';
const COUPON_KEY = Buffer.alloc(32, 7);
const TICKET_KEYS = { current: 1, keys: new Map([[1, Buffer.alloc(32, 9)]]) };
/** After a rebuild; short, so that a run gets past it. */
const GRACE_MS = 300;

export interface Front {
  actor: Actor;
  app: Listener;
  admin: Listener;
}

/** What a client reaches without a socket between. */
interface Listener {
  request: (path: string, init: RequestInit) => Promise<Response>;
}

const listenerOf = ({
  fetch,
}: {
  fetch: (request: Request, env: object) => Response | Promise<Response>;
}): Listener => ({
  request: async (path, init) => fetch(new Request(`http://localhost${path}`, init), {}),
});

export async function startFront(stores: Stores, name: string): Promise<Front> {
  const { world, redis, ledger, retries, onError } = stores;
  const actor = world.spawn(name);
  const never = new AbortController().signal;
  return world.run(actor, 'front', async () => {
    const { front, admin } = world.time.withoutIntervals(() =>
      composeFront(
        {
          redis: redis.reach(actor),
          ledger: ledger.reach(world, actor, 'admin'),
          status: ledger.reach(world, actor, 'status'),
          retries: retries.reach(actor),
          board: new Hono(),
        },
        {
          durability: 'disk',
          ticketKeys: TICKET_KEYS,
          couponKey: COUPON_KEY,
          identity: { kind: 'header' },
          ticketsNeedUser: false,
          trustedProxies: [],
          clientLimits: { joinsPerSecond: 0, joinsPerAddressPerSecond: 0, pollsPerSecond: 0 },
          traceRatio: 0,
          graceMs: GRACE_MS,
          tokens: { operator: OPERATOR_TOKEN, reader: undefined },
          corsOrigins: [],
          publicUrl: undefined,
          adminUrl: undefined,
          ownWorkersDown: () => [],
          onServerError: ({ cause }) => onError(name, cause),
          draining: never,
          leaving: never,
          onError: (error) => onError(name, error),
        },
      ),
    );
    return { actor, app: listenerOf(front), admin: listenerOf(admin) };
  });
}

/** The duties of `workers/main.ts`, but for the reconciler, which changes nothing. */
export function startWorker(stores: Stores, name: string): Actor {
  const { world, retries } = stores;
  const actor = world.spawn(name);
  const stopping = new AbortController().signal;
  const onError = (error: unknown) => stores.onError(name, error);
  const duty = (task: string, work: () => Promise<void>) => void world.run(actor, task, work).catch(onError);
  // Composed as the worker, so that what it starts is the worker's.
  const duties = world.runSync(actor, 'worker', () => composeWorker(stores, actor, onError));
  duty('watch', () => watchCampaigns(duties.watch, stopping));
  duty('recoverer', () => recoverGates(duties.recover, stopping));
  duty('retrier', () => retries.workOn(actor, duties.retryWork, stopping));
  duty('finisher', () => finishHalfDone(duties.finish, stopping));
  duty('janitor', () => tidyUp(duties.tidy, stopping));
  return actor;
}

function composeWorker(
  { world, redis: server, ledger: memory, retries: queue, idleMs }: Stores,
  actor: Actor,
  onError: (error: unknown) => void,
) {
  const redis = server.reach(actor);
  const ledger = memory.reach(world, actor, 'worker');
  const retries = queue.reach(actor);
  const guard = createLedgerGuard(ledger);
  const store = campaignStore(ledger);
  const cancellations = cancellationStore(ledger);
  const gate = createGate(redis);
  const returns = createReturns(redis);
  const readGates = createGateReader(redis);
  const readEachGate = createEachGateReader(redis);
  const broker = createRedisStreams({
    redis,
    openReader: () => server.reach(actor),
    batchMax: 10,
    claimIdleMs: idleMs.claim,
    onVanished: () => undefined,
  });
  const issuing = {
    gate,
    issueBatch: (rows: IssuanceRow[], epoch: number) => guard.run(() => issueBatch(ledger, rows, epoch)),
    untilLedgerUp: guard.breaker.untilClosed,
    couponKey: COUPON_KEY,
  };
  const retryWork = createRetryWork({
    ...issuing,
    returns,
    cancellations,
    shapeOf: async (campaign) => (await readGates([campaign]))[0],
    keepDeadLetter: (letter, epoch) => keepDeadLetter(ledger, letter, epoch),
  });
  const issuer = {
    ...issuing,
    broker,
    retries,
    workerName: actor.name,
    keepMalformed: (campaign: string, epoch: number, seq: number, raw: string) =>
      keepDeadLetter(ledger, { campaign, epoch, seq, reason: 'malformed-entry', attempts: 1, raw }),
    onSettled: () => undefined,
    onLeft: () => undefined,
    onError,
  };
  const recovery = composeRecovery({ redis, ledger, retries, durability: 'disk', graceMs: GRACE_MS });
  return {
    retryWork,
    watch: {
      ...store,
      readGates: readEachGate,
      issue: (campaign: Parameters<typeof issueTickets>[1], stop: AbortSignal) =>
        world.run(actor, 'issuer', () => issueTickets(issuer, campaign, stop)),
      onLook: () => undefined,
      onError,
    },
    recover: {
      listLiveCampaigns: store.listLiveCampaigns,
      listGated: store.listGated,
      stateOf: recovery.gates.state,
      recover: (campaign: string) => recovery.recover(campaign, actor.name),
      onRecovered: () => undefined,
      onAlone: () => undefined,
      onError,
    },
    finish: {
      store: letterStore(ledger),
      cancellations,
      returns,
      readGates,
      scheduleRetry: (job: RetryJob) => retries.schedule(job),
      idleMs: idleMs.halfDone,
      onError,
    },
    tidy: {
      store,
      gate,
      readGates: readEachGate,
      reapConsumers: (campaign: string, shards: number, idleMs: number) =>
        reapConsumers(redis, campaign, shards, idleMs),
      onDeadLetters: () => undefined,
      onGateLost: () => undefined,
      onError,
    },
  };
}
