// Retries on BullMQ: exponential backoff with jitter; what failed for good stays in its failed set until it is buried.
import { DelayedError, type Job, Queue, Worker } from 'bullmq';
import { type Failure, INTERNAL_ERROR, STALLED } from '../domain/failure.ts';
import { Fault, failureOf, isFault } from '../domain/fault.ts';
import type { RetryJob } from '../domain/retry-job.ts';
import { backoffMs, pause, within } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import { together } from '../process/together.ts';
import { openForBullmq, type RedisServer, redisFault } from '../redis/connection.ts';
import { keys } from '../redis/keys.ts';
import type { Retries, RetryWork } from './port.ts';

const QUEUE = 'issuance';
/** Failed events can be lost; the failed set cannot. It is looked through this often. */
const SWEEP_MS = 1_000;
const SWEEP_MAX = 100;
/** Closing waits for Redis without end where it is away. */
const CLOSE_MS = 1_000;
/** BullMQ orders its delayed set by the due time, shifted to leave room for a counter. */
const DELAYED_SCORE_PER_MS = 0x1000;

export interface RetryDeps extends RedisServer {
  onError: (error: unknown) => void;
}

/** How often a ticket is tried, and the wait before the first retry, doubled each time. */
export interface RetryPace {
  attemptsMax: number;
  backoffMs: number;
}

const PACE: RetryPace = { attemptsMax: limits.retryAttemptsMax, backoffMs: limits.retryBackoffMs };

/** BullMQ's own errors are not Redis's words; a mistake of ours stays one. */
function queueFault(message: string, cause: unknown): Fault {
  const fault = redisFault(cause);
  return fault.code === 'defect' ? fault : new Fault('redis-unavailable', message, { retryable: true, cause });
}

/** Opens the scheduling side. */
export function openRetries(deps: RetryDeps, { attemptsMax, backoffMs: delay }: RetryPace = PACE): Retries {
  const { queue, close } = openQueue(deps);
  // The queue is read once for all campaigns whose gates are recovered just then.
  const list = together({
    countMax: limits.recoveriesMax,
    many: (campaigns: readonly string[]) => listJobs(queue, campaigns),
    isShared: () => true,
  });
  return {
    close,
    async list(campaign) {
      try {
        return await list(campaign);
      } catch (error) {
        throw queueFault('the retries could not be listed', error);
      }
    },
    async count() {
      try {
        return await queue.getJobCountByTypes('delayed', 'wait', 'active', 'failed');
      } catch (error) {
        throw queueFault('the retries could not be counted', error);
      }
    },
    async schedule(job) {
      try {
        await queue.add('issue', job, {
          jobId: jobIdOf(job),
          attempts: attemptsMax,
          backoff: { type: 'exponential', delay, jitter: 0.5 },
          delay,
          removeOnComplete: true,
          removeOnFail: false,
        });
      } catch (error) {
        throw queueFault('a retry could not be scheduled', error);
      }
    },
  };
}

const JOBS_PER_READ = 500;

/**
 * The ids of all states in one script, because a job that moves between two pages would be in neither. A job that ends
 * before its data is read is left out: its row or its letter was written before.
 */
async function listJobs(queue: Queue<RetryJob>, campaigns: readonly string[]): Promise<RetryJob[][]> {
  const all = await queue.getRanges(['delayed', 'wait', 'active', 'failed'], 0, -1);
  // Data is read of these campaigns' jobs alone: an archive asks for each campaign while the queue may be long.
  const prefixes = campaigns.map((campaign) => `t-${campaign}-`);
  const ids = [...new Set(all)].filter((id) => prefixes.some((prefix) => id.startsWith(prefix)));
  const found = new Map(campaigns.map((campaign): [string, RetryJob[]] => [campaign, []]));
  for (let from = 0; from < ids.length; from += JOBS_PER_READ) {
    const jobs = await Promise.all(ids.slice(from, from + JOBS_PER_READ).map((id) => queue.getJob(id)));
    for (const job of jobs) if (job !== undefined) found.get(job.data.campaign)?.push(job.data);
  }
  return campaigns.map((campaign) => found.get(campaign)!);
}

/** A redrive has a name of its own: that of the job before it may still be there. */
function jobIdOf({ campaign, epoch, seq, redriveCount = 0 }: RetryJob): string {
  return `t-${campaign}-${epoch}-${seq}${redriveCount === 0 ? '' : `-r${redriveCount}`}`;
}

/** The queue on a connection that fails at once while Redis is away, and is closed within a second all the same. */
export function openQueue(deps: RetryDeps) {
  const connection = openForBullmq({ ...deps, name: 'sluice-retry-queue' }, 'queue');
  const queue = new Queue<RetryJob>(QUEUE, { connection, prefix: keys.retryPrefix, skipVersionCheck: true });
  queue.on('error', deps.onError);
  const close = async () => {
    await within(CLOSE_MS, queue.close());
    connection.disconnect();
  };
  /** Whether a retry is due for longer than `ms`, or waits for somebody to take it. */
  const isOverdue = async (ms: number): Promise<boolean> => {
    const [, score] = await connection.zrange(queue.toKey('delayed'), '0', '0', 'WITHSCORES');
    const dueAt = score === undefined ? Number.POSITIVE_INFINITY : Number(score) / DELAYED_SCORE_PER_MS;
    return Date.now() - dueAt > ms || (await queue.getWaitingCount()) > 0;
  };
  return { queue, isOverdue, close };
}

/**
 * Works on retries until `stopping` aborts, then finishes those in hand. A worker of BullMQ that does nothing although a
 * retry is `overdueMs` overdue hears nothing any more (taskforcesh/bullmq#4585 and others): it is made anew.
 */
export async function workOnRetries(
  deps: RetryDeps,
  work: RetryWork,
  stopping: AbortSignal,
  overdueMs: number = limits.retryOverdueMs,
): Promise<void> {
  const { queue, isOverdue, close } = openQueue(deps);
  let worker = openWorker(deps, work, stopping);
  let failureCount = 0;
  while (!stopping.aborted) {
    await work.untilAble(stopping);
    const done = await buryAll(deps, queue, work, stopping);
    if (worker.idleMs() > overdueMs && (await isOverdue(overdueMs).catch(() => false))) {
      deps.onError(
        new Fault(
          'redis-unavailable',
          'the retrier received no retry although retries are due; the worker starts it again',
        ),
      );
      await worker.close(CLOSE_MS);
      worker = openWorker(deps, work, stopping);
    }
    failureCount = done ? 0 : failureCount + 1;
    await pause(done ? SWEEP_MS : backoffMs(failureCount, SWEEP_MS, limits.backoffMaxMs * 2), stopping);
  }
  await worker.close(limits.drainMs);
  await close();
}

interface RetryWorker {
  /** How long it has had nothing to do, ms. */
  idleMs: () => number;
  close: (waitMs: number) => Promise<void>;
}

function openWorker(deps: RetryDeps, work: RetryWork, stopping: AbortSignal): RetryWorker {
  const connection = openForBullmq({ ...deps, name: 'sluice-retry-worker' }, 'worker');
  let activeCount = 0;
  let activeAt = performance.now();
  const take = async (job: Job<RetryJob>, token: string | undefined): Promise<void> => {
    activeCount += 1;
    try {
      // Those in hand wait here for the ledger, and no others are taken: none is moved to and fro meanwhile.
      await work.untilAble(stopping);
      await attempt(deps, job, token, work);
    } finally {
      activeCount -= 1;
      activeAt = performance.now();
    }
  };
  const worker = new Worker<RetryJob>(QUEUE, take, {
    connection,
    prefix: keys.retryPrefix,
    concurrency: limits.retryConcurrency,
    limiter: { max: limits.retriesPerSecond / 10, duration: 100 },
    maxStalledCount: limits.retryStalledMax,
    skipVersionCheck: true,
  });
  worker.on('error', deps.onError);
  return {
    idleMs: () => (activeCount > 0 ? 0 : performance.now() - activeAt),
    close: async (waitMs) => {
      await within(waitMs, worker.close());
      connection.disconnect();
    },
  };
}

/** A fault that passes by itself (the ledger is away, the entry is not settled yet) costs the ticket no attempt. */
async function attempt(deps: RetryDeps, job: Job<RetryJob>, token: string | undefined, work: RetryWork): Promise<void> {
  try {
    await work.attempt(job.data);
  } catch (error) {
    const isFailure = isFault(error) && error.failure !== undefined;
    if (!isFailure) deps.onError(error);
    if (!isFault(error) || !error.retryable) throw toldOf(failureOf(error), error);
    const waitMs = backoffMs(job.attemptsMade, job.opts.delay ?? limits.retryBackoffMs, limits.backoffMaxMs);
    await job.moveToDelayed(Date.now() + waitMs, token);
    throw new DelayedError();
  }
}

/** BullMQ's own words for a job whose workers stood still or died at each of its attempts. */
const STALLED_TEXT = 'job stalled more than allowable limit';

/** BullMQ keeps the message and the stack of what an attempt throws: the message holds the failure, as JSON. */
function toldOf(failure: Failure, error: unknown): Error {
  const told = new Error(JSON.stringify({ reason: failure.reason, detail: failure.detail }), { cause: error });
  if (error instanceof Error && error.stack !== undefined) told.stack = error.stack;
  return told;
}

/** Reads what {@link toldOf} wrote. Anything else is BullMQ's own, or of a version before. */
function failureIn(text: string | undefined): Failure {
  if (text === STALLED_TEXT) return { reason: STALLED, detail: text };
  try {
    const { reason, detail } = JSON.parse(text ?? '');
    if (typeof reason === 'string' && typeof detail === 'string') return { reason, detail };
  } catch {
    // No JSON.
  }
  return { reason: INTERNAL_ERROR, detail: text ?? 'the retry queue kept no reason' };
}

/** True when no failed job is left that should be buried. One that cannot be does not hold up the others. */
async function buryAll(deps: RetryDeps, queue: Queue<RetryJob>, work: RetryWork, stopping: AbortSignal) {
  let done = true;
  const failed = (error: unknown) => {
    deps.onError(error);
    done = false;
  };
  const jobs = await queue.getFailed(0, SWEEP_MAX - 1).catch(failed);
  for (const job of jobs ?? []) if (!stopping.aborted) await buryFailed(job, work).catch(failed);
  return done;
}

/** Buried first, removed second: a crash between the two buries it again, which changes nothing. */
async function buryFailed(job: Job<RetryJob>, work: RetryWork): Promise<void> {
  await work.bury(job.data, failureIn(job.failedReason), Math.max(1, job.attemptsMade));
  await job.remove();
}
