// A process that ends a campaign, or erases a buyer, and is killed with SIGKILL behind the effect that its arguments name:
// `archive|purge|erase <campaign or user> <effects> <Redis> <ledger>`. Run by crashes.test.ts.
import { type KyselyPlugin, type QueryId, RawNode, type RootOperationNode } from 'kysely';
import { composeEnding } from '../../src/composition/ending.ts';
import { type Ledger, openLedger } from '../../src/ledger/pool.ts';
import { openFast, type RedisClient, untilReady } from '../../src/redis/connection.ts';
import { openRetries } from '../../src/retry/bullmq.ts';

const [what, name, effects, redisUrl, databaseUrl] = process.argv.slice(2) as [string, string, string, string, string];

let effectsLeft = Number(effects);

/** An effect is done: of a transaction, also a statement that is not committed yet. */
function done(): void {
  if (effectsLeft <= 0) process.kill(process.pid, 'SIGKILL');
  effectsLeft -= 1;
}

const EFFECTS = new Set(['evalsha', 'eval', 'set', 'unlink']);

const mortalRedis = (redis: RedisClient): RedisClient =>
  new Proxy(redis, {
    get(target, property) {
      const value = Reflect.get(target, property) as unknown;
      if (typeof value !== 'function') return value;
      if (!EFFECTS.has(String(property))) return value.bind(target);
      return async (...args: unknown[]) => {
        const answer: unknown = await (value as (...given: unknown[]) => unknown).apply(target, args);
        done();
        return answer;
      };
    },
  });

const isEffect = (node: RootOperationNode): boolean =>
  RawNode.is(node)
    ? /^(delete|update)/i.test(node.sqlFragments[0] ?? '')
    : ['InsertQueryNode', 'UpdateQueryNode', 'DeleteQueryNode'].includes(node.kind);

function mortalStatements(): KyselyPlugin {
  const under = new WeakSet<QueryId>();
  return {
    transformQuery: ({ node, queryId }) => {
      if (isEffect(node)) under.add(queryId);
      return node;
    },
    transformResult: async ({ result, queryId }) => {
      if (under.has(queryId)) done();
      return result;
    },
  };
}

const mortalLedger = (ledger: Ledger): Ledger => ({
  ...ledger,
  db: ledger.db.withPlugin(mortalStatements()),
  transaction: async (work) => {
    const result = await ledger.transaction((tx) => work(tx.withPlugin(mortalStatements())));
    done();
    return result;
  },
});

const onError = () => undefined;
const redis = openFast({ url: redisUrl, name: 'mortal', onError, commandMs: 5_000 });
await untilReady(redis, 30_000);
const pool = { name: 'mortal', connectionMax: 4, queueMax: 100, acquireMs: 5_000, statementMs: 15_000 };
const ledger = openLedger({ ...pool, url: databaseUrl });
const retries = openRetries({ url: redisUrl, onError });
const ending = composeEnding({ redis: mortalRedis(redis), ledger: mortalLedger(ledger), retries, name: 'mortal' });
done();
if (what === 'archive') await ending.archive(name, 'tester');
if (what === 'purge') {
  await ending.purge(name, 'tester');
  await ending.deleteRows(name, 60_000);
}
if (what === 'erase') await ending.eraseUser(name, 'tester');
await retries.close();
await ledger.close();
redis.disconnect();
