// Retries on BullMQ: exponential backoff with jitter; what failed for good stays in its failed set until it is buried.
import { type Job, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Fault } from '../domain/fault.ts';
import { backoffMs, pause, within } from '../lifecycle.ts';
import { limits } from '../limits.ts';
import { keys } from '../redis/keys.ts';
import type { Retries, RetryJob, RetryWork } from './port.ts';

const QUEUE = 'issuance';
/** Failed events can be lost; the failed set cannot. It is looked through this often. */
const SWEEP_MS = 1_000;
const SWEEP_MAX = 100;

export interface RetryDeps {
  url: string;
  onError: (error: unknown) => void;
}

/** Opens the scheduling side. */
export function openRetries(deps: RetryDeps): Retries {
  const connection = new Redis(deps.url, { protocol: 2, enableOfflineQueue: false, maxRetriesPerRequest: 1 });
  connection.on('error', deps.onError);
  const queue = new Queue<RetryJob>(QUEUE, { connection, prefix: keys.retryPrefix, skipVersionCheck: true });
  queue.on('error', deps.onError);
  return {
    async schedule(job) {
      try {
        await queue.add('issue', job, {
          jobId: `t-${job.campaign}-${job.epoch}-${job.seq}`,
          attempts: limits.retryAttemptsMax,
          backoff: { type: 'exponential', delay: limits.retryBackoffMs, jitter: 0.5 },
          delay: limits.retryBackoffMs,
          removeOnComplete: true,
          removeOnFail: false,
        });
      } catch (error) {
        throw new Fault('redis-unavailable', 'a retry could not be scheduled', { retryable: true, cause: error });
      }
    },
    async close() {
      await queue.close();
      connection.disconnect();
    },
  };
}

/** Works on retries until `stopping` aborts, then finishes those in hand. */
export async function workOnRetries(deps: RetryDeps, work: RetryWork, stopping: AbortSignal): Promise<void> {
  const connection = new Redis(deps.url, { protocol: 2, maxRetriesPerRequest: null });
  connection.on('error', deps.onError);
  const worker = new Worker<RetryJob>(QUEUE, (job) => work.attempt(job.data), {
    connection,
    prefix: keys.retryPrefix,
    concurrency: limits.retryConcurrency,
    maxStalledCount: limits.retryStalledMax,
    skipVersionCheck: true,
  });
  worker.on('error', deps.onError);
  const queue = new Queue<RetryJob>(QUEUE, { connection, prefix: keys.retryPrefix, skipVersionCheck: true });
  queue.on('error', deps.onError);

  let failureCount = 0;
  while (!stopping.aborted) {
    try {
      for (const job of await queue.getFailed(0, SWEEP_MAX - 1)) await buryFailed(job, work);
      failureCount = 0;
    } catch (error) {
      failureCount += 1;
      deps.onError(error);
    }
    await pause(failureCount === 0 ? SWEEP_MS : backoffMs(failureCount, SWEEP_MS, limits.backoffMaxMs * 2), stopping);
  }
  await within(limits.drainMs, worker.close());
  await queue.close();
  connection.disconnect();
}

/** Buried first, removed second: a crash between the two buries it again, which changes nothing. */
async function buryFailed(job: Job<RetryJob>, work: RetryWork): Promise<void> {
  await work.bury(job.data, job.failedReason ?? job.data.reason, Math.max(1, job.attemptsMade));
  await job.remove();
}
