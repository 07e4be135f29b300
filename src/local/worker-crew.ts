// Worker processes that this process starts: as many as it is asked for, each kept alive, each under a name of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { limits } from '../process/limits.ts';
import { type SupervisedChild, superviseChild } from './supervised-child.ts';

export interface CrewPlan {
  config: Config;
  redisUrl: string;
  databaseUrl: string;
  couponKey: Buffer;
  /** Worker 3 is called `<prefix>-3`: a worker that is started again takes up the entries that it had received. */
  prefix: string;
  report: (line: string) => void;
}

export interface WorkerCrew extends AsyncDisposable {
  /** Workers that are kept alive, one that is being stopped among them. */
  count(): number;
  /** Numbers of the workers that have ended and are not up again; the first is 1. */
  down(): number[];
  /**
   * Starts the lowest numbers that are missing and resolves when they issue, or stops the highest and resolves when they are
   * gone. Rejects when a worker ends before its start is over; the others stay. To be called one call after the other, and
   * none of them may be under way when the crew is disposed of.
   */
  resize(count: number): Promise<void>;
}

const WORKER = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));

/** What a worker sends its parent when its start is over. */
const ISSUING = 'issuing';

export function createWorkerCrew(plan: CrewPlan): WorkerCrew {
  const crew = new Map<number, SupervisedChild | 'starting'>();

  async function start(number: number): Promise<void> {
    crew.set(number, 'starting');
    try {
      crew.set(number, await startWorker(plan, number));
    } catch (error) {
      crew.delete(number);
      throw error;
    }
  }

  async function stop(number: number): Promise<void> {
    const worker = crew.get(number);
    if (worker === undefined || worker === 'starting') return;
    await worker.stop();
    crew.delete(number);
  }

  return {
    count: () => crew.size,
    down: () => [...crew].flatMap(([number, worker]) => (worker === 'starting' || worker.isUp() ? [] : [number])),
    async resize(count) {
      const missing = Array.from({ length: count }, (_, index) => index + 1).filter((number) => !crew.has(number));
      const surplus = [...crew.keys()].filter((number) => number > count);
      // First those that go: their connections are free when the others open theirs.
      await Promise.all(surplus.map(stop));
      const starts = await Promise.allSettled(missing.map(start));
      const failed = starts.find((it) => it.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all([...crew.keys()].map(stop))),
  };
}

function startWorker(
  { config, redisUrl, databaseUrl, couponKey, prefix, report }: CrewPlan,
  number: number,
): Promise<SupervisedChild> {
  const { port } = config.telemetry;
  return superviseChild({
    name: `worker ${number}`,
    // A group of its own: the terminal's Ctrl-C must not reach it before the front has drained.
    start: () =>
      spawn(process.execPath, [WORKER], {
        env: config.childEnvironment({
          REDIS_URL: redisUrl,
          DATABASE_URL: databaseUrl,
          COUPON_KEY: couponKey.toString('hex'),
          WORKER_NAME: `${prefix}-${number}`,
          TELEMETRY_PORT: String(port === 0 ? 0 : port + number),
        }),
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        detached: true,
      }),
    ready: untilIssuing,
    mayStopStarting: true,
    report,
    stopMs: limits.drainMs + 2_000,
  });
}

/** Resolves when the worker has opened everything and begins its duties; it ends by itself when it cannot. */
const untilIssuing = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.on('message', (message) => {
      if (message === ISSUING) resolve();
    });
  });
