// What open campaigns cost in which nobody buys: `npm run bench:campaigns [-- --open 1,3000 --checkout <folder>]`. A front and a
// worker on stores of their own; then one more campaign is bought from. Another checkout is measured by the same program.
// With `--waits` one buyer waits in each campaign instead, half of them in event streams, and no worker serves them.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { percentile } from '../src/rehearsal/percentiles.ts';
import { withCpu } from './cpu.ts';
import { runJob, startJobs } from './jobs.ts';
import { residentMb } from './open-loop.ts';
import { type Front, HERE, startFront, startWorker } from './sluice.ts';
import { startDatabase, startRedis } from './stores.ts';
import type { WaitingJob } from './waiting-clients.ts';

const { values } = parseArgs({
  options: {
    open: { type: 'string', default: '1,3000' },
    checkout: { type: 'string', default: HERE },
    waits: { type: 'boolean', default: false },
  },
});

const IDLE_MS = 20_000;
/** Until the worker has looked at everything that it looks at when it starts. */
const SETTLE_MS = 10_000;
const JOINS = 200;
const BACKLOG = 5_000;
const CROWD = 32;
const POLL_MS = 2;

const opens = values.open.split(',').map(Number);
if (values.waits) {
  console.log('campaigns with one waiting buyer | front % of a core | Redis % | front MB');
  for (const open of opens) console.log((await measureWaits(open)).join(' | '));
} else {
  console.log(
    'open | worker % of a core | Redis % | database % | Redis clients | files of the worker | join p50 ms | join p95 ms | to issued p50 ms | p99 ms | drained/s',
  );
  for (const open of opens) console.log((await measure(open)).join(' | '));
}

async function measure(open: number): Promise<string[]> {
  await using redis = await startRedis('everysec');
  await using database = await startDatabase();
  const stores = { redisUrl: redis.url, databaseUrl: await database.url('bench') };
  await using front = await startFront(stores, { DURABILITY: 'memory' }, values.checkout);
  await front.createMany(
    Array.from({ length: open - 1 }, (_, index) => `idle-${index}`),
    100,
  );
  await front.createCampaign({ id: 'sold', stock: 1_000_000 });
  const worker = startWorker(front, 'w');
  await sleep(SETTLE_MS);
  const pids = { worker: worker.pid, redis: redis.pid, database: database.pid };
  const { micros } = await withCpu(pids, () => sleep(IDLE_MS));
  const shares = (['worker', 'redis', 'database'] as const).map((part) => (micros[part]! / IDLE_MS / 10).toFixed(1));
  const connections = [String(await clientCount(redis.url)), String(readdirSync(`/proc/${worker.pid}/fd`).length)];
  const { joinMs, issuedMs } = await buy(front);
  await worker[Symbol.asyncDispose]();
  const figures = [
    percentile(joinMs, 0.5),
    percentile(joinMs, 0.95),
    percentile(issuedMs, 0.5),
    percentile(issuedMs, 0.99),
  ];
  const drained = await drain(front);
  return [String(open), ...shares, ...connections, ...figures.map((ms) => ms!.toFixed(1)), drained.toFixed(0)];
}

async function measureWaits(open: number): Promise<string[]> {
  await using redis = await startRedis('everysec');
  await using database = await startDatabase();
  const stores = { redisUrl: redis.url, databaseUrl: await database.url('bench') };
  await using front = await startFront(stores, { DURABILITY: 'memory' }, values.checkout);
  await front.createMany(
    Array.from({ length: open }, (_, n) => `waiting-${n}`),
    100,
  );
  await using program = await startJobs('load', new URL('waiting-clients.ts', import.meta.url), []);
  const run = (job: WaitingJob) => runJob(program, job);
  await run({ do: 'join', port: front.port, campaign: 'waiting-', count: open, first: 0, each: true });
  await run({ do: 'wait', count: open });
  await sleep(SETTLE_MS);
  const { micros } = await withCpu({ front: front.pid, redis: redis.pid }, () => sleep(IDLE_MS));
  const shares = (['front', 'redis'] as const).map((part) => (micros[part]! / IDLE_MS / 10).toFixed(1));
  const memory = residentMb(front.pid).toFixed(0);
  await run({ do: 'close' });
  return [String(open), ...shares, memory];
}

async function clientCount(url: string): Promise<number> {
  const client = new Redis(url);
  const clients = String(await client.client('LIST'))
    .trim()
    .split('\n').length;
  client.disconnect();
  return clients - 1;
}

/** A front on a machine that does much else sheds load: then the buyer asks again, and the time counts. */
async function join(front: Front, user: string): Promise<string> {
  for (;;) {
    try {
      return await front.join('sold', user);
    } catch {
      await sleep(POLL_MS);
    }
  }
}

/** One buyer after the other, each until the coupon is there. */
async function buy(front: Front) {
  const [joinMs, issuedMs]: [number[], number[]] = [[], []];
  for (let buyer = 0; buyer < JOINS; buyer += 1) {
    const askedAt = performance.now();
    const ticket = await join(front, `buyer-${buyer}`);
    joinMs.push(performance.now() - askedAt);
    for (let status = ''; status !== 'issued'; await sleep(POLL_MS)) {
      const answer = await fetch(`http://127.0.0.1:${front.port}/v1/tickets/${ticket}`);
      ({ status } = (await answer.json()) as { status: string });
    }
    issuedMs.push(performance.now() - askedAt);
  }
  return { joinMs, issuedMs };
}

/** Tickets a second that a worker issues of a backlog, its start left out. */
async function drain(front: Front): Promise<number> {
  let next = 0;
  const joinAll = async () => {
    while (next < BACKLOG) await join(front, `crowd-${next++}`);
  };
  await Promise.all(Array.from({ length: CROWD }, joinAll));
  await using _worker = startWorker(front, 'w');
  let startedAt = performance.now();
  for (let left = BACKLOG; left > 0; left = (await front.counts('sold')).backlog) {
    if (left === BACKLOG) startedAt = performance.now();
    await sleep(POLL_MS);
  }
  return BACKLOG / ((performance.now() - startedAt) / 1_000);
}
