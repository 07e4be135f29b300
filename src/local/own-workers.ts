// The worker processes that a front starts and keeps alive.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { Fault } from '../domain/fault.ts';
import { limits } from '../process/limits.ts';
import { type SupervisedChild, superviseChild } from './supervised-child.ts';

export interface OwnWorkersPlan {
  config: Config;
  redisUrl: string;
  databaseUrl: string;
  couponKey: Buffer;
  report: (line: string) => void;
}

export interface OwnWorkers extends AsyncDisposable {
  /** Numbers of the workers that do not run now, or have not finished their start; the first is 1. */
  down(): number[];
}

const WORKER = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));

/** What a worker sends its parent when its start is over. */
const ISSUING = 'issuing';

/**
 * Starts as many as WORKERS says and resolves when all of them have finished their start. Rejects with a `conflict` Fault
 * when one of them ends before, and stops the others: what it needs and does not get, it will not get the next time.
 */
export async function startOwnWorkers(plan: OwnWorkersPlan): Promise<OwnWorkers> {
  const numbers = Array.from({ length: plan.config.workers.count }, (_, index) => index + 1);
  const starts = await Promise.allSettled(numbers.map((number) => startWorker(plan, number)));
  const workers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = () => Promise.all(workers.map((worker) => worker.stop()));
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    const why = failed.reason instanceof Error ? failed.reason.message : String(failed.reason);
    throw new Fault(
      'conflict',
      `${why}: fix what it printed above, or set WORKERS=0 to start a front without a worker`,
    );
  }
  return {
    down: () => numbers.filter((number) => !workers[number - 1]!.isUp()),
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

function startWorker(
  { config, redisUrl, databaseUrl, couponKey, report }: OwnWorkersPlan,
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
          WORKER_NAME: `local-${number}`,
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
