// What `/readyz` of a front says. A front without workers stays ready: a ticket it hands out waits in Redis and is issued
// when a worker comes, while 503 from every front would end the sale for want of a process that may be back in seconds.
import { spanClock } from '../domain/clock.ts';
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

export interface ReadinessDetails {
  workers: { seen: number; ready: number } | null;
  /** Sentences for people; empty when nothing is wrong. */
  details: string[];
}

export interface FrontReadiness {
  readiness: () => Readiness;
  /** Undefined until the reports have been read, and while they cannot be. */
  workersSeen: () => WorkersSeen | undefined;
  /** Ms for which this front has seen no ready worker: 0 while one is ready, undefined until the reports have been read. */
  noneReadyMs: () => number | undefined;
  /** What `/readyz?verbose` says besides. */
  details: () => ReadinessDetails;
  /** Reads the reports until `stopping` aborts. */
  keepReading: (stopping: AbortSignal) => Promise<void>;
  /** Reads the reports until a worker is ready, for at most `ms`; with 0, once. */
  untilWorkerReady: (ms: number, stopping: AbortSignal) => Promise<void>;
}

export function createFrontReadiness(deps: FrontReadinessDeps): FrontReadiness {
  let seen: WorkersSeen | undefined;
  /** By the span clock; kept while the reports cannot be read. */
  let noneReadyFrom: number | undefined;

  async function read(): Promise<void> {
    try {
      const present = (await deps.readWorkers()).filter(({ silentMs }) => silentMs <= limits.workerSilentMs);
      const ready = present.filter(({ reasons }) => reasons.length === 0);
      seen = { seenCount: present.length, readyCount: ready.length };
      noneReadyFrom = ready.length > 0 ? undefined : (noneReadyFrom ?? spanClock());
    } catch (error) {
      // Once for each outage: every other reader reports it, too.
      if (seen !== undefined) deps.onError(error);
      seen = undefined;
    }
  }

  return {
    workersSeen: () => seen,
    noneReadyMs: () => {
      if (noneReadyFrom !== undefined) return spanClock() - noneReadyFrom;
      return seen === undefined ? undefined : 0;
    },
    details: () => ({
      workers: seen === undefined ? null : { seen: seen.seenCount, ready: seen.readyCount },
      details: noneReadyFrom === undefined ? [] : [noneReadyText(Date.now() - (spanClock() - noneReadyFrom), seen)],
    }),
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

/** `since` in epoch ms. */
function noneReadyText(since: number, seen: WorkersSeen | undefined): string {
  const reporting = seen === undefined ? 'the reports of workers cannot be read now' : `${seen.seenCount} report(s)`;
  return `no worker is ready since ${new Date(since).toISOString()} (${reporting}): this front accepts joins up to the backlog limit, their tickets wait and are not lost; npx sluice doctor says why`;
}

function warningsOf(seen: WorkersSeen | undefined): string[] {
  if (seen === undefined) return ['workers-unknown'];
  if (seen.seenCount === 0) return ['no-worker-seen'];
  return seen.readyCount === 0 ? ['no-worker-ready'] : [];
}
