// Retries of single tickets: again, later, a bounded number of times, and then in somebody's hands.

import type { Failure } from '../domain/failure.ts';
import type { RetryJob } from '../domain/retry-job.ts';

export interface Retries {
  /** Schedules a retry; once for each ticket and redrive of it, however often it is asked. Throws a retryable Fault when Redis is away. */
  schedule(job: RetryJob): Promise<void>;
  /** Jobs of a campaign that are not done, whatever they wait for; each once. Throws a retryable Fault. */
  list(campaign: string): Promise<RetryJob[]>;
  /** How many jobs of all campaigns are not done. Throws a retryable Fault. */
  count(): Promise<number>;
  close(): Promise<void>;
}

export interface RetryWork {
  /** Resolves when an attempt makes sense: at once, when the ledger is back, or when `stopping` aborts. */
  untilAble(stopping: AbortSignal): Promise<void>;
  /** Tries once; a throw means again later. `failureOf` what it threw last is what the job is buried with. */
  attempt(job: RetryJob): Promise<void>;
  /** Keeps a job for an operator after its last attempt. Called until it does not throw. */
  bury(job: RetryJob, failure: Failure, attempts: number): Promise<void>;
}
