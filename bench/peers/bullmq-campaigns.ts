// A BullMQ queue and worker for each campaign, as its users serve many: BullMQ has no reader of several queues.
// Usage: node bullmq-campaigns.ts --redis URL --database URL, then jobs over IPC.
import { parseArgs } from 'node:util';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { COLUMNS, createTables, openPool, rowOf, sqlTime } from './issuances.ts';
import { serveJobs } from './job.ts';

export type CampaignsJob =
  /** Opens so many queues with a worker each. */
  | { do: 'open'; count: number }
  /** Adds so many jobs to the first queue, one after another, each when the one before was issued. */
  | { do: 'buy'; count: number };

export interface CampaignsResult {
  issuedMs: number[];
}

const { values } = parseArgs({ options: { redis: { type: 'string' }, database: { type: 'string' } } });
// All queues share a connection; BullMQ gives each worker one more, on which it blocks.
const redis = new Redis(values.redis!, { maxRetriesPerRequest: null });
const pool = openPool(values.database!, 10);
await createTables(pool);
const workers: Worker<{ unit: number }>[] = [];
const OPENED_AT_A_TIME = 50;
const nameOf = (n: number): string => `campaign-${n}`;

serveJobs(async (job: CampaignsJob): Promise<CampaignsResult> => {
  if (job.do === 'open') {
    for (let n = 0; n < job.count; n += OPENED_AT_A_TIME) {
      await Promise.all(Array.from({ length: Math.min(OPENED_AT_A_TIME, job.count - n) }, (_, i) => openWorker(n + i)));
    }
    return { issuedMs: [] };
  }
  return { issuedMs: await buy(job.count) };
});

/** Waits as long as BullMQ lets it (10 s), and looks for stalled jobs as rarely as Sluice does: the least that idling costs. */
async function openWorker(n: number): Promise<void> {
  const worker = new Worker<{ unit: number }>(nameOf(n), ({ data }) => issue(nameOf(n), data.unit), {
    connection: redis,
    concurrency: 50,
    drainDelay: 10,
    stalledInterval: 60_000,
    removeOnComplete: { count: 0 },
  });
  workers.push(worker);
  await worker.waitUntilReady();
}

async function buy(count: number): Promise<number[]> {
  const queue = new Queue<{ unit: number }>(nameOf(0), { connection: redis });
  const issuedMs: number[] = [];
  for (let unit = 1; unit <= count; unit += 1) {
    const issued = new Promise<void>((resolve) => void workers[0]!.once('completed', () => resolve()));
    const addedAt = performance.now();
    await queue.add('issue', { unit });
    await issued;
    issuedMs.push(performance.now() - addedAt);
  }
  await queue.close();
  return issuedMs;
}

async function issue(campaign: string, unit: number): Promise<void> {
  await pool.execute(
    `insert into issuances ${COLUMNS} values (?, ?, ?, ?, ?, ?, ?)`,
    rowOf(campaign, unit, sqlTime(Date.now())),
  );
}
