// What several figures use, started when the first of them asks: the stores, Sluice's front with default settings, bare Hono.
import { type PeerServer, startPeer } from './peers.ts';
import { openFolder } from './processes.ts';
import { type Front, HERE, type Stores, startFront } from './sluice.ts';
import { type DatabaseServer, type RedisServer, startDatabase, startRedis } from './stores.ts';

export interface Stand extends AsyncDisposable {
  /** For generated scripts. */
  folder: string;
  redis(): Promise<RedisServer>;
  database(): Promise<DatabaseServer>;
  front(): Promise<Front>;
  /** One more front, of the same code. */
  startFront(stores: Stores, settings?: Record<string, string>): Promise<Front>;
  bare(): Promise<PeerServer>;
  /** A name that was not given before: campaigns are never used twice. */
  freshName(prefix: string): string;
}

/** `checkout` has the code of Sluice that is measured. */
export function openStand(checkout = HERE): Stand {
  const stack = new AsyncDisposableStack();
  const once = <Resource extends AsyncDisposable>(start: () => Promise<Resource>): (() => Promise<Resource>) => {
    let started: Promise<Resource> | undefined;
    return () => {
      started ??= start().then((resource) => stack.use(resource));
      return started;
    };
  };
  const redis = once(() => startRedis('always'));
  const database = once(startDatabase);
  const front = once(async () => {
    const { url } = await redis();
    return startFront({ redisUrl: url, databaseUrl: await (await database()).url('sluice') }, {}, checkout);
  });
  let names = 0;
  return {
    folder: openFolder(),
    redis,
    database,
    front,
    startFront: (stores, settings) => startFront(stores, settings, checkout),
    bare: once(() => startPeer('bare-hono')),
    freshName(prefix) {
      names += 1;
      return `${prefix}-${names}`;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
