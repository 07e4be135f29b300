// What open campaigns cost a worker and the stores while nobody buys, and what they cost a buyer of one more.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWorker } from '../sluice.ts';
import { insertEnded } from './archived.ts';
import { buy, fill, ms, untilFewer } from './buyers.ts';
import { clientCount, idleCost, megabytes, openScene, SETTLE_MS } from './scene.ts';

const BUYERS = 200;
const BACKLOG = 5_000;

export const IDLE_COLUMNS =
  'open | archived | worker % of a core | Redis % | database % | Redis commands/s | Redis clients | files of the worker | worker MB | join p50 ms | join p95 ms | to issued p50 ms | p99 ms | drained/s';

/** `archivedCount` campaigns are archived beside the open ones. */
export async function measureIdle(open: number, checkout: string, archivedCount = 0): Promise<string[]> {
  await using scene = await openScene(open - 1, checkout);
  const { front, redis, database } = scene;
  await insertEnded(await database.url('bench'), archivedCount);
  await front.createCampaign({ id: 'sold', stock: 1_000_000 });
  const worker = startWorker(front, 'w');
  await sleep(SETTLE_MS);
  const pids = { worker: worker.pid, redis: redis.pid, database: database.pid };
  const { shares, commands } = await idleCost(redis.url, pids);
  const files = readdirSync(`/proc/${worker.pid}/fd`).length;
  const sizes = [await clientCount(redis.url), files].map(String);
  const memory = megabytes(worker.pid);
  const { joinMs, issuedMs } = await buy(front, 'sold', BUYERS);
  await worker[Symbol.asyncDispose]();
  await fill(front, 'sold', BACKLOG);
  await using _worker = startWorker(front, 'w');
  await untilFewer(front, 'sold', BACKLOG);
  const startedAt = performance.now();
  await untilFewer(front, 'sold', 1);
  const drained = BACKLOG / ((performance.now() - startedAt) / 1_000);
  const times = [ms(joinMs, 0.5), ms(joinMs, 0.95), ms(issuedMs, 0.5), ms(issuedMs, 0.99)];
  return [String(open), String(archivedCount), ...shares, commands, ...sizes, memory, ...times, drained.toFixed(0)];
}
