// What creating campaigns costs: `npm run bench:creations [-- --checkout <folder> --count 4000 --at-once 1,16,64]`. One front
// on stores of its own. Another checkout is measured by the same program.
import { parseArgs } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { percentile } from '../src/rehearsal/percentiles.ts';
import { HERE, startFront } from './sluice.ts';
import { startDatabase, startRedis } from './stores.ts';

const { values } = parseArgs({
  options: {
    checkout: { type: 'string', default: HERE },
    count: { type: 'string', default: '4000' },
    'at-once': { type: 'string', default: '1,16,64' },
  },
});

/** What the server counted since it started; statements of all connections. */
const COUNTED = ['Questions', 'Com_commit', 'Com_insert', 'Com_update', 'Com_select'];

await using redis = await startRedis('everysec');
await using database = await startDatabase();
const databaseUrl = await database.url('bench');
const server = await createConnection(databaseUrl);
await using front = await startFront({ redisUrl: redis.url, databaseUrl }, { DURABILITY: 'memory' }, values.checkout);

console.log('at once | created/s | p50 ms | p99 ms | statements a creation | of them COMMIT, INSERT, UPDATE, SELECT');
for (const atOnce of values['at-once'].split(',').map(Number)) {
  const count = atOnce === 1 ? Number(values.count) / 8 : Number(values.count);
  await create(`warm-${atOnce}`, 200, atOnce);
  const before = await counted();
  const startedAt = performance.now();
  const tookMs = await create(`at-${atOnce}`, count, atOnce);
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await counted();
  const [all, ...kinds] = after.map((value, n) => ((value - before[n]!) / count).toFixed(2));
  const waits = [0.5, 0.99].map((share) => percentile(tookMs, share)!.toFixed(1));
  console.log([atOnce, (count / seconds).toFixed(0), ...waits, all, kinds.join(', ')].join(' | '));
}
server.destroy();

/** Each call's ms. */
async function create(name: string, count: number, atOnce: number): Promise<number[]> {
  const tookMs: number[] = [];
  let next = 0;
  const one = async () => {
    while (next < count) {
      const askedAt = performance.now();
      await front.admin('POST', '/admin/campaigns', { id: `${name}-${next++}`, stock: 1_000 });
      tookMs.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return tookMs;
}

async function counted(): Promise<number[]> {
  const [rows] = await server.query('show global status');
  const all = new Map(
    (rows as { Variable_name: string; Value: string }[]).map((row) => [row.Variable_name, row.Value]),
  );
  return COUNTED.map((name) => Number(all.get(name)));
}
