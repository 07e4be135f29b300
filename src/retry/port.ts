// Retries of single tickets: again, later, a bounded number of times, and then in somebody's hands.

/** All that is needed to issue the ticket without its stream entry, which is acked once the retry is scheduled. */
export interface RetryJob {
  campaign: string;
  epoch: number;
  seq: number;
  unit: number;
  user: string;
  /** Epoch ms. */
  admittedAt: number;
  /** Why it was not issued in its batch. */
  reason: string;
  traceparent: string;
  /** How often its dead letter had been redriven when it was scheduled; none is 0. */
  redriveCount?: number;
}

export interface Retries {
  /** Schedules a retry; once for each ticket and redrive of it, however often it is asked. Throws a retryable Fault when Redis is away. */
  schedule(job: RetryJob): Promise<void>;
  /** Jobs of a campaign that are not done, whatever they wait for; each once. Throws a retryable Fault. */
  list(campaign: string): Promise<RetryJob[]>;
  close(): Promise<void>;
}

export interface RetryWork {
  /** Resolves when an attempt makes sense: at once, when the ledger is back, or when `stopping` aborts. */
  untilAble(stopping: AbortSignal): Promise<void>;
  /** Tries once; a throw means again later, with its message as the reason. */
  attempt(job: RetryJob): Promise<void>;
  /** Keeps a job for an operator after its last attempt. Called until it does not throw. */
  bury(job: RetryJob, reason: string, attempts: number): Promise<void>;
}
