// From a full backlog to committed rows: Sluice's worker against the database's own ceiling and two usual designs, all on
// one MariaDB. The same rounds tell what a ticket occupies in Redis while it waits and once it is issued.
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { cpuMicros, withCpu } from '../cpu.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { type Jobs, runJob, startJobs } from '../jobs.ts';
import { freePort } from '../processes.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, startWorker } from '../sluice.ts';
import { type RedisServer, startRedis } from '../stores.ts';
import { fill } from '../under-load.ts';

/** The worker is a fresh process in every round; its first rows are its warm-up. */
const WARM_SHARE = 0.1;
/** As many rows for Sluice as for the ceiling, so that their tables are of one size. */
const TICKETS = 200_000;
const LOOK_MS = 20;
const DRAIN_DEADLINE_MS = 120_000;
const QUIET_DEADLINE_MS = 10_000;

export const drain: Figure = {
  name: 'drain',
  ratios: [
    {
      text: 'tickets drained/s ÷ multi-row INSERT ceiling of the same server',
      bar: { atLeast: 0.6 },
      over: 'sluice.ratePerSecond',
      under: 'ceiling.ratePerSecond',
    },
    {
      text: 'tickets drained/s ÷ BullMQ with one transaction per job',
      bar: { atLeast: 30 },
      over: 'sluice.ratePerSecond',
      under: 'bullmq.ratePerSecond',
    },
    {
      text: 'tickets drained/s ÷ row-lock single consumer',
      bar: { atLeast: 40 },
      over: 'sluice.ratePerSecond',
      under: 'rowLock.ratePerSecond',
    },
    { text: 'Redis bytes per waiting ticket', bar: { atMost: 200 }, over: 'sluice.waitingBytes' },
    { text: 'Redis bytes per issued ticket', bar: { atMost: 48 }, over: 'sluice.issuedBytes' },
  ],
  async measure(context) {
    const notes = [
      `Sluice's rate and CPU are taken after the first ${WARM_SHARE * 100} % of the rows of a fresh worker process.`,
    ];
    return alternate(
      context,
      [drainSluice(context), ceiling(context, notes), bullmq(context, notes), rowLock(context)],
      notes,
    );
  },
};

/** Rounds of filling a campaign and draining it by a fresh worker, both with these settings. */
export const drainSluice = (
  context: Context,
  name = 'sluice',
  openSettings: (stack: AsyncDisposableStack) => Promise<DrainSettings> = async () => ({}),
): Contender => ({
  name,
  async open(stack) {
    const { settings, watch } = await openSettings(stack);
    const redis = stack.use(await startRedis('always'));
    const databaseUrl = await (await context.stand.database()).url('drain');
    const front = stack.use(await context.stand.startFront({ redisUrl: redis.url, databaseUrl }, settings));
    const drained = { front, redis, databaseUrl, ticketCount: context.quick ? 20_000 : TICKETS, watch };
    // Warms up the front and the stores, and takes what Redis allocates once out of the bytes per ticket.
    await drainOnce(context, { ...drained, ticketCount: 5_000 });
    return () => drainOnce(context, drained);
  },
});

export interface DrainSettings {
  settings?: Record<string, string>;
  /** Called with the telemetry ports of front and worker; what it returns is called when the round is over. */
  watch?: ((ports: number[]) => () => void) | undefined;
}

interface Drained extends DrainSettings {
  front: Front;
  redis: RedisServer;
  databaseUrl: string;
  ticketCount: number;
}

async function drainOnce(context: Context, drained: Drained): Promise<Sample> {
  const { front, redis, databaseUrl, ticketCount, watch } = drained;
  const id = context.stand.freshName('drain');
  await front.createCampaign({ id, stock: ticketCount });
  const emptyBytes = await redis.dataBytes();
  await fill(context, id, ticketCount, front);
  const waitingBytes = ((await quietBytes(redis)) - emptyBytes) / ticketCount;
  const ledger = await createConnection({ uri: databaseUrl, dateStrings: true });
  try {
    const telemetryPort = await freePort();
    await using worker = startWorker(front, `bench-${id}`, telemetryPort);
    using _watched = { [Symbol.dispose]: watch?.([front.telemetryPort, telemetryPort]) ?? (() => undefined) };
    const pids = { worker: worker.pid, redis: redis.pid, database: (await context.stand.database()).pid };
    const look = async (fromUnit: number) => {
      const [rows] = await ledger.query<RowDataPacket[]>(
        'select count(*) as rowCount, unix_timestamp(now(6)) as seconds from issuances where campaign = ? and unit > ?',
        [id, fromUnit],
      );
      return { rowCount: Number(rows[0]!.rowCount), seconds: Number(rows[0]!.seconds) };
    };
    const until = async (rowCount: number, fromUnit = 0) => {
      const deadline = performance.now() + DRAIN_DEADLINE_MS;
      for (;;) {
        const seen = await look(fromUnit);
        if (seen.rowCount >= rowCount) return seen;
        if (performance.now() > deadline) {
          throw new Error(`${seen.rowCount} of ${rowCount} rows after ${DRAIN_DEADLINE_MS} ms: ${worker.output()}`);
        }
        await sleep(LOOK_MS);
      }
    };
    const warm = await until(Math.ceil(ticketCount * WARM_SHARE));
    const { result: done, micros } = await withCpu(pids, async () => {
      // Counting all rows every time would be work for the database; the last ones tell nearly the same.
      const tail = Math.min(5_000, ticketCount / 10);
      await until(tail, ticketCount - tail);
      return until(ticketCount);
    });
    const rowCount = ticketCount - warm.rowCount;
    const sample: Sample = { requests: rowCount, ratePerSecond: rowCount / (done.seconds - warm.seconds) };
    for (const [part, used] of Object.entries(micros)) sample[`${part}CpuUs`] = used / rowCount;
    await untilSettled(front, id);
    return { ...sample, waitingBytes, issuedBytes: ((await quietBytes(redis)) - emptyBytes) / ticketCount };
  } finally {
    ledger.destroy();
  }
}

async function untilSettled(front: Front, id: string): Promise<void> {
  const deadline = performance.now() + QUIET_DEADLINE_MS;
  while ((await front.counts(id)).backlog > 0) {
    if (performance.now() > deadline) throw new Error(`all rows are committed but ${id} still has a backlog`);
    await sleep(LOOK_MS);
  }
}

/** Bytes of data once they stopped changing: buffers drain and freed blocks come back a moment later. */
async function quietBytes(redis: RedisServer): Promise<number> {
  const deadline = performance.now() + QUIET_DEADLINE_MS;
  for (let last = -1; ; ) {
    const bytes = await redis.dataBytes();
    if (Math.abs(bytes - last) < 4096 || performance.now() > deadline) return bytes;
    last = bytes;
    await sleep(200);
  }
}

interface JobResult {
  count: number;
  elapsedMs: number;
  /** CPU of the program itself. */
  cpuUs: number;
}

/** Rounds of a program that commits rows of its own into the peers' database. */
export async function openProgram(context: Context, stack: AsyncDisposableStack, program: URL, args: string[] = []) {
  const database = await context.stand.database();
  const jobs: Jobs = stack.use(
    await startJobs('contender', program, ['--database', await database.url('peers'), ...args]),
  );
  return async (job: object): Promise<Sample> => {
    const before = cpuMicros(database.pid);
    const result = await runJob<JobResult>(jobs, { campaign: context.stand.freshName('rows'), ...job });
    return {
      requests: result.count,
      ratePerSecond: (result.count / result.elapsedMs) * 1000,
      workerCpuUs: result.cpuUs / result.count,
      databaseCpuUs: (cpuMicros(database.pid) - before) / result.count,
    };
  };
}

/** The job among `choices` with the best rate; trying them is also the warm-up. */
export async function bestOf<Choice>(
  choices: readonly Choice[],
  rate: (choice: Choice) => Promise<Sample>,
): Promise<Choice> {
  let best: { choice: Choice; ratePerSecond: number } | undefined;
  for (const choice of choices) {
    const ratePerSecond = (await rate(choice)).ratePerSecond!;
    if (best === undefined || ratePerSecond > best.ratePerSecond) best = { choice, ratePerSecond };
  }
  return best!.choice;
}

const ceiling = (context: Context, notes: string[]): Contender => ({
  name: 'ceiling',
  async open(stack) {
    const run = await openProgram(context, stack, new URL('../peers/insert-ceiling.ts', import.meta.url));
    const rows = context.quick ? 20_000 : TICKETS;
    const choices = context.quick ? [2, 4] : [1, 2, 4, 8];
    const concurrency = await bestOf(choices, (choice) => run({ rows, concurrency: choice }));
    notes.push(`INSERT ceiling: 500 rows a statement, best of ${choices.join('/')} connections: ${concurrency}.`);
    return () => run({ rows, concurrency });
  },
});

const bullmq = (context: Context, notes: string[]): Contender => ({
  name: 'bullmq',
  async open(stack) {
    const redis = stack.use(await startRedis('always'));
    const run = await openProgram(context, stack, new URL('../peers/bullmq-worker.ts', import.meta.url), [
      '--redis',
      redis.url,
    ]);
    const warmUp = context.quick ? 500 : 3_000;
    const choices = context.quick ? [50] : [50, 100];
    const concurrency = await bestOf(choices, (choice) => run({ tickets: warmUp, concurrency: choice }));
    notes.push(
      `BullMQ worker: best of concurrency ${choices.join('/')}: ${concurrency}; INSERT and COMMIT for each job.`,
    );
    return () => run({ tickets: context.quick ? 500 : 6_000, concurrency });
  },
});

const rowLock = (context: Context): Contender => ({
  name: 'rowLock',
  async open(stack) {
    const run = await openProgram(context, stack, new URL('../peers/row-lock-consumer.ts', import.meta.url));
    await run({ tickets: context.quick ? 200 : 1_000 });
    return () => run({ tickets: context.quick ? 400 : 4_000 });
  },
});
