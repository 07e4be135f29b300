// A BullMQ worker as its users write it: many jobs at once, one short transaction for each.
// Usage: node bullmq-worker.ts --redis URL --database URL, then jobs { campaign, tickets, concurrency } over IPC.
import { parseArgs } from 'node:util';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { COLUMNS, createTables, openPool, rowOf, sqlTime } from './issuances.ts';
import { serveJobs } from './job.ts';

const ADD_BATCH = 1000;

const { values } = parseArgs({ options: { redis: { type: 'string' }, database: { type: 'string' } } });
const redis = new Redis(values.redis!, { maxRetriesPerRequest: null });
// Of 10, 20 and 50 the largest was the fastest: commits that wait together are flushed together.
const pool = openPool(values.database!, 50);
await createTables(pool);

serveJobs(async (job: { campaign: string; tickets: number; concurrency: number }) => {
  const queue = new Queue<{ unit: number }>(job.campaign, { connection: redis });
  await fill(queue, job.tickets);
  const worker = new Worker<{ unit: number }>(job.campaign, ({ data }) => issue(job.campaign, data.unit), {
    connection: redis,
    concurrency: job.concurrency,
    removeOnComplete: { count: 0 },
    autorun: false,
  });
  await worker.waitUntilReady();
  const done = Promise.withResolvers<void>();
  let leftCount = job.tickets;
  worker.on('completed', () => {
    leftCount -= 1;
    if (leftCount === 0) done.resolve();
  });
  worker.on('failed', (_, error) => done.reject(error));
  worker.on('error', (error) => done.reject(error));
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const running = worker.run();
  await done.promise;
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  await worker.close();
  await running;
  await queue.obliterate({ force: true });
  return { count: job.tickets, elapsedMs, cpuUs: user + system };
});

async function fill(queue: Queue<{ unit: number }>, tickets: number): Promise<void> {
  for (let first = 1; first <= tickets; first += ADD_BATCH) {
    const size = Math.min(ADD_BATCH, tickets - first + 1);
    await queue.addBulk(Array.from({ length: size }, (_, i) => ({ name: 'issue', data: { unit: first + i } })));
  }
}

async function issue(campaign: string, unit: number): Promise<void> {
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    await connection.execute(
      `insert into issuances ${COLUMNS} values (?, ?, ?, ?, ?, ?, ?)`,
      rowOf(campaign, unit, sqlTime(Date.now())),
    );
    await connection.commit();
  } finally {
    connection.release();
  }
}
