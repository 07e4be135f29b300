// The processes of a simulated service: the product's own code, composed as its programs compose it, over the model's
// stores.
import { Hono } from 'hono';
import { composeFront } from '../../src/composition/front.ts';
import { type ComposedWorker, composeWorker } from '../../src/composition/worker.ts';
import { createLedgerGuard } from '../../src/ledger/guard.ts';
import { dutiesOf } from '../../workers/duties.ts';
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
          sampling: { ratio: 0 },
          metricsCampaigns: undefined,
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

/** The duties of `workers/main.ts`, but for those that change nothing: the reconciler and the reports. */
export function startWorker(stores: Stores, name: string): Actor {
  const { world, retries } = stores;
  const actor = world.spawn(name);
  const stopping = new AbortController().signal;
  const onError = (error: unknown) => stores.onError(name, error);
  // Composed as the worker, so that what it starts is the worker's.
  const duties = world.runSync(actor, 'worker', () =>
    dutiesOf(composeModelWorker(stores, actor, onError), {
      workOnRetries: (work, until) => retries.workOn(actor, work, until),
      readiness: () => ({ reasons: [], warnings: [] }),
    }),
  );
  const start = (task: string, duty: (stopping: AbortSignal) => Promise<void>) =>
    void world.run(actor, task, () => duty(stopping)).catch(onError);
  start('issuer', duties.issue);
  start('recoverer', duties.recover);
  start('retrier', duties.retry);
  start('finisher', duties.finish);
  start('janitor', duties.tidy);
  return actor;
}

function composeModelWorker(
  { world, redis: server, ledger: memory, retries: queue, idleMs }: Stores,
  actor: Actor,
  onError: (error: unknown) => void,
): ComposedWorker {
  const ledger = memory.reach(world, actor, 'worker');
  return composeWorker(
    {
      redis: server.reach(actor),
      ledger,
      guard: createLedgerGuard(ledger),
      retries: queue.reach(actor),
      openReader: () => server.reach(actor),
    },
    {
      name: actor.name,
      couponKey: COUPON_KEY,
      claimIdleMs: idleMs.claim,
      halfDoneMs: idleMs.halfDone,
      batchMax: 10,
      durability: 'disk',
      graceMs: GRACE_MS,
      retainEndedMs: Number.POSITIVE_INFINITY,
      retainLedgerMs: undefined,
    },
    { onError },
  );
}
