// What `/readyz` of a front says. A front without workers stays ready: a ticket it hands out waits in Redis and is issued
// when a worker comes, while 503 from every front would end the sale for want of a process that may be back in seconds.
import type { Readiness, WorkerReport } from '../domain/readiness.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';

export interface FrontReadinessDeps {
  /** Aborts when the balancer is to leave this front. */
  draining: AbortSignal;
  isRedisAway: () => boolean;
  /** The newest report of every worker. Throws a Fault. */
  readWorkers: () => Promise<WorkerReport[]>;
  /** Numbers of the workers that this process started and that do not run now; the first is 1. */
  ownWorkersDown: () => number[];
  onError: (error: unknown) => void;
}

/** Workers that have reported lately, and those of them that can issue. */
export interface WorkersSeen {
  seenCount: number;
  readyCount: number;
}

export interface FrontReadiness {
  readiness: () => Readiness;
  /** Undefined until the reports have been read, and while they cannot be. */
  workersSeen: () => WorkersSeen | undefined;
  /** Reads the reports until `stopping` aborts. */
  keepReading: (stopping: AbortSignal) => Promise<void>;
  /** Reads the reports until a worker is ready, for at most `ms`; with 0, once. */
  untilWorkerReady: (ms: number, stopping: AbortSignal) => Promise<void>;
}

export function createFrontReadiness(deps: FrontReadinessDeps): FrontReadiness {
  let seen: WorkersSeen | undefined;

  async function read(): Promise<void> {
    try {
      const present = (await deps.readWorkers()).filter(({ silentMs }) => silentMs <= limits.workerSilentMs);
      const ready = present.filter(({ reasons }) => reasons.length === 0);
      seen = { seenCount: present.length, readyCount: ready.length };
    } catch (error) {
      // Once for each outage: every other reader reports it, too.
      if (seen !== undefined) deps.onError(error);
      seen = undefined;
    }
  }

  return {
    workersSeen: () => seen,
    readiness() {
      const isRedisAway = deps.isRedisAway();
      return {
        reasons: [...(deps.draining.aborted ? ['draining'] : []), ...(isRedisAway ? ['redis-unreachable'] : [])],
        warnings: [
          ...(isRedisAway ? [] : warningsOf(seen)),
          ...deps.ownWorkersDown().map((number) => `own-worker-down:${number}`),
        ],
      };
    },
    async keepReading(stopping) {
      while (!stopping.aborted) {
        await read();
        await pause(limits.workerReportMs, stopping);
      }
    },
    async untilWorkerReady(ms, stopping) {
      const over = AbortSignal.any([stopping, AbortSignal.timeout(ms)]);
      await read();
      while (!over.aborted && !seen?.readyCount) {
        await pause(limits.workerReportMs / 20, over);
        await read();
      }
    },
  };
}

function warningsOf(seen: WorkersSeen | undefined): string[] {
  if (seen === undefined) return ['workers-unknown'];
  if (seen.seenCount === 0) return ['no-worker-seen'];
  return seen.readyCount === 0 ? ['no-worker-ready'] : [];
}
