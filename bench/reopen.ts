// How fast many open campaigns sell again after Redis was away:
// `npm run bench:reopen -- [campaigns] [tickets] [restart|flush|start] [workers|recoverers]`.
//
// restart  Redis is killed and started on all its data
// flush    Redis forgets everything and goes on; each campaign has `tickets` issued tickets
// start    the workers are started on gates that no worker has verified since Redis was started
//
// recoverers  do nothing but recover: what reading the work of so many campaigns costs is left out
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { projectCampaign } from '../src/desk/campaign-desk.ts';
import { createGate } from '../src/gate/redis/gate.ts';
import { campaignStore } from '../src/ledger/campaign-store.ts';
import { migrate } from '../src/ledger/migrate.ts';
import { openLedger } from '../src/ledger/pool.ts';
import { keys } from '../src/redis/keys.ts';
import { insertOfRows } from '../test/helpers/many-rows.ts';
import { type Child, freePort, killAll, Missing, openFolder, startChild, untilReady } from './processes.ts';
import { type Front, HERE, startFront, startWorker } from './sluice.ts';
import { redisBinary, startDatabase } from './stores.ts';

const [campaignCount = 1_000, ticketCount = 0] = process.argv.slice(2, 4).map(Number);
const [how = 'restart', what = 'workers', checkout = HERE] = process.argv.slice(4);
const WORKERS = 2;
const CREATED_AT_A_TIME = 32;
const GIVE_UP_MS = 900_000;
/** The unit of a campaign that nobody has a ticket for. */
const SPARE_UNITS = 100;

const folder = openFolder();
const port = await freePort();
const url = `redis://127.0.0.1:${port}`;
const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => 20, maxRetriesPerRequest: 0 });
redis.on('error', () => undefined);
const say = (text: string) => console.log(`${new Date().toISOString().slice(11, 23)} ${text}`);

async function startRedis(): Promise<Child> {
  if (redisBinary === undefined) throw new Missing('this machine has no redis-server');
  const place = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''];
  const aof = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction'];
  const child = startChild({ role: 'redis', command: [redisBinary, ...place, ...aof], stopSignal: 'SIGKILL' });
  await untilReady('redis-server', child, () => redis.ping());
  return child;
}

function startRecoverer(front: Front, name: string): AsyncDisposable {
  const environment = { ...front.environment, WORKER_NAME: name, TELEMETRY_PORT: '0' };
  const command = [process.execPath, join(checkout, 'bench/recoverer.ts')];
  const { stop } = startChild({ role: 'contender', command, environment });
  return { [Symbol.asyncDispose]: stop };
}

const idOf = (index: number): string => `c${String(index).padStart(6, '0')}`;

/** As the admin API makes them, without HTTP. */
async function createCampaigns(databaseUrl: string): Promise<void> {
  const pool = { connectionMax: 8, queueMax: 0, acquireMs: 60_000, statementMs: 60_000 };
  await using ledger = openLedger({ url: databaseUrl, name: 'bench', ...pool });
  await migrate(ledger);
  const deps = { store: campaignStore(ledger), gate: createGate(redis) };
  let next = 0;
  const creator = async () => {
    for (let index = next++; index < campaignCount; index = next++) {
      const id = idOf(index);
      const { campaign } = await deps.store.create({ id, stock: ticketCount + SPARE_UNITS }, 'bench');
      await projectCampaign(deps, campaign);
      if (ticketCount === 0) continue;
      const rows = insertOfRows(id, ticketCount);
      await ledger.run(rows.sql, rows.params);
    }
  };
  await Promise.all(Array.from({ length: CREATED_AT_A_TIME }, creator));
}

/** How many gates are verified, asked in pages. */
async function openCount(): Promise<number> {
  const runId = /run_id:(\w+)/.exec(await redis.info('server'))![1];
  let count = 0;
  for (let from = 0; from < campaignCount; from += 1_000) {
    const pipeline = redis.pipeline();
    const to = Math.min(campaignCount, from + 1_000);
    for (let index = from; index < to; index += 1) pipeline.hget(keys.gate(idOf(index)), 'run_id');
    for (const [, told] of (await pipeline.exec())!) if (told === runId) count += 1;
  }
  return count;
}

/** Joins of a campaign in the middle, as its buyers would, until there is a 202. */
async function untilSells(front: Front, since: number): Promise<string> {
  for (let attempt = 0; performance.now() - since < GIVE_UP_MS; attempt += 1) {
    const sold = await front.join(idOf(Math.floor(campaignCount / 2)), `asked-${attempt}`).catch(() => undefined);
    if (sold !== undefined) return seconds(since);
    await sleep(100);
  }
  return 'never';
}

const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

async function measure(front: Front, since: number): Promise<void> {
  const asked = untilSells(front, since).then((took) => say(`the campaign that is asked for: ${took}`));
  let half: string | undefined;
  for (let count = 0; count < campaignCount && performance.now() - since < GIVE_UP_MS; ) {
    count = await openCount().catch(() => count);
    if (half === undefined && count * 2 >= campaignCount) half = seconds(since);
    await sleep(100);
  }
  say(`half of all: ${half}; the last: ${seconds(since)}`);
  await asked;
}

try {
  if (!existsSync(join(checkout, 'workers/main.ts'))) throw new Missing(`${checkout} is no checkout`);
  let server = await startRedis();
  await using database = await startDatabase();
  const databaseUrl = await database.url('reopen');
  const createdAt = performance.now();
  await createCampaigns(databaseUrl);
  say(`${campaignCount} campaigns of ${ticketCount} tickets made in ${seconds(createdAt)}`);
  // As npm start has it.
  const compiled = join(checkout, 'node_modules/.cache/node-compile');
  const settings = { RECOVERY_GRACE_MS: '100', DURABILITY: 'memory', NODE_COMPILE_CACHE: compiled };
  await using front = await startFront({ redisUrl: url, databaseUrl }, settings, checkout);
  await front.join(idOf(Math.floor(campaignCount / 2)), 'first');
  await using workers = new AsyncDisposableStack();
  const startWorkers = () => {
    const start = what === 'recoverers' ? startRecoverer : startWorker;
    for (let number = 1; number <= WORKERS; number += 1) workers.use(start(front, `w${number}`));
  };
  if (how !== 'start') startWorkers();
  // Until the workers have looked around.
  await sleep(5_000);
  if (how === 'flush') await redis.flushall();
  else {
    await server.stop();
    server = await startRedis();
  }
  if (how === 'start') startWorkers();
  await measure(front, performance.now());
  await server.stop();
} finally {
  redis.disconnect();
  killAll();
}
