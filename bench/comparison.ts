// What it takes to compare the stores of one large campaign, as a worker does it in its rounds:
// `npm run bench:comparison -- [issued] [waiting] [checkout]`. `issued` tickets have their rows, `waiting` ones are in streams that no
// worker reads. Prints seconds, CPU of this process and of the stores, and by how much the memory of this process grows.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { insertOfRows } from '../test/helpers/many-rows.ts';
import { fill } from './campaigns/buyers.ts';
import { withCpu } from './cpu.ts';
import { residentMb } from './open-loop.ts';
import { killAll } from './processes.ts';
import { type Front, HERE, startFront, startWorker } from './sluice.ts';
import { startDatabase, startRedis } from './stores.ts';

const [issuedCount = 1_000_000, waitingCount = 0] = process.argv.slice(2, 4).map(Number);
const checkout = process.argv[4] ?? HERE;
const CAMPAIGN = 'large';
const LOOKS = 3;
const SAMPLE_MS = 20;
const OPEN_MS = 300_000;

/** The comparison of the checkout, on connections of its own. */
async function openLook(redisUrl: string, databaseUrl: string, open: AsyncDisposableStack) {
  const from = <Module>(path: string): Promise<Module> => import(join(checkout, `src/${path}.ts`));
  const { composeRecovery } = await from<typeof import('../src/composition/recovery.ts')>('composition/recovery');
  const { openLedger } = await from<typeof import('../src/ledger/pool.ts')>('ledger/pool');
  const { openFast } = await from<typeof import('../src/redis/connection.ts')>('redis/connection');
  const { openRetries } = await from<typeof import('../src/retry/bullmq.ts')>('retry/bullmq');
  const onError = (error: unknown) => console.error(error);
  const redis = openFast({ url: redisUrl, ca: undefined, name: 'bench', onError, commandMs: 60_000 });
  open.defer(() => redis.disconnect());
  const pool = { connectionMax: 4, queueMax: 0, acquireMs: 60_000, statementMs: 60_000 };
  const ledger = open.use(openLedger({ url: databaseUrl, name: 'bench', ...pool }));
  const retries = openRetries({ url: redisUrl, onError });
  open.defer(() => retries.close());
  return composeRecovery({ redis, ledger, retries, durability: 'memory', graceMs: 0 }).look;
}

/** A gate that knows all users: a worker rebuilds it from the rows. */
async function rebuildGate(front: Front, redisUrl: string): Promise<void> {
  const client = new Redis(redisUrl);
  await client.flushall();
  client.disconnect();
  await using _worker = startWorker(front, 'builder');
  const endsAt = performance.now() + OPEN_MS;
  while (performance.now() < endsAt) {
    if ((await front.join(CAMPAIGN, 'first').catch(() => undefined)) !== undefined) return;
    await sleep(100);
  }
  throw new Error('the gate was not rebuilt');
}

/** Runs `work`; resolves to what it gave, and the most memory that this process had meanwhile, MB. */
async function withMemory<Result>(work: () => Promise<Result>) {
  let mostMb = 0;
  const timer = setInterval(() => {
    mostMb = Math.max(mostMb, residentMb(process.pid));
  }, SAMPLE_MS);
  const result = await work().finally(() => clearInterval(timer));
  return { result, mostMb };
}

try {
  await using open = new AsyncDisposableStack();
  const redis = open.use(await startRedis('everysec'));
  const database = open.use(await startDatabase());
  const databaseUrl = await database.url('comparison');
  const settings = { DURABILITY: 'memory', RECOVERY_GRACE_MS: '100' };
  const front = open.use(await startFront({ redisUrl: redis.url, databaseUrl }, settings, checkout));
  await front.createCampaign({ id: CAMPAIGN, stock: issuedCount + waitingCount + 1_000 });
  const sql = await createConnection({ uri: databaseUrl });
  const rows = insertOfRows(CAMPAIGN, issuedCount);
  await sql.query(rows.sql, rows.params);
  await sql.end();
  await rebuildGate(front, redis.url);
  await fill(front, CAMPAIGN, waitingCount);
  const look = await openLook(redis.url, databaseUrl, open);
  const pids = { worker: process.pid, redis: redis.pid, database: database.pid };
  console.log(
    'issued | waiting | s | CPU here, s | CPU of Redis, s | CPU of the database, s | memory before, MB | most, MB | differences',
  );
  for (let round = 0; round < LOOKS; round += 1) {
    globalThis.gc?.();
    const before = residentMb(process.pid);
    const startedAt = performance.now();
    const { result, micros } = await withCpu(pids, () => withMemory(() => look(CAMPAIGN)));
    const seconds = [(performance.now() - startedAt) * 1_000, ...Object.keys(pids).map((part) => micros[part]!)];
    const told = seconds.map((used) => (used / 1_000_000).toFixed(2));
    const counts = JSON.stringify(result.result?.counts);
    console.log([issuedCount, waitingCount, ...told, before.toFixed(0), result.mostMb.toFixed(0), counts].join(' | '));
  }
} finally {
  killAll();
}
