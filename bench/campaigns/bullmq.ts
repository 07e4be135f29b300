// The peer: BullMQ as its users serve many campaigns, a queue and a worker for each, in one process.
import { setTimeout as sleep } from 'node:timers/promises';
import { runJob, startJobs } from '../jobs.ts';
import type { CampaignsJob, CampaignsResult } from '../peers/bullmq-campaigns.ts';
import { startDatabase, startRedis } from '../stores.ts';
import { ms } from './buyers.ts';
import { clientCount, IDLE_MS, idleShares, megabytes, SETTLE_MS } from './scene.ts';

const BUYERS = 200;

export const BULLMQ_COLUMNS =
  'queues | worker % of a core | Redis % | database % | Redis clients | worker MB | added to issued p50 ms | p99 ms';

export async function measureBullmq(open: number): Promise<string[]> {
  await using redis = await startRedis('everysec');
  await using database = await startDatabase();
  const program = new URL('../peers/bullmq-campaigns.ts', import.meta.url);
  const stores = ['--redis', redis.url, '--database', await database.url('bench')];
  await using worker = await startJobs('contender', program, stores);
  const run = (job: CampaignsJob) => runJob<CampaignsResult>(worker, job);
  await run({ do: 'open', count: open });
  await sleep(SETTLE_MS);
  const shares = await idleShares({ worker: worker.pid, redis: redis.pid, database: database.pid }, IDLE_MS, sleep);
  const clients = String(await clientCount(redis.url));
  const memory = megabytes(worker.pid);
  const { issuedMs } = await run({ do: 'buy', count: BUYERS });
  return [String(open), ...shares, clients, memory, ms(issuedMs, 0.5), ms(issuedMs, 0.99)];
}
