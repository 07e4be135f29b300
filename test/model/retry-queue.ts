// The retry queue as BullMQ documents it, without BullMQ: a job once for each id, attempts with a backoff, one worker at a
// time for a job as long as that worker renews its lock, failed jobs kept until they are buried. It lives and dies with
// Redis.
import type { Failure } from '../../src/domain/failure.ts';
import { Fault, failureOf, isFault } from '../../src/domain/fault.ts';
import type { RetryJob } from '../../src/domain/retry-job.ts';
import { pause } from '../../src/process/lifecycle.ts';
import type { Retries, RetryWork } from '../../src/retry/port.ts';
import type { Actor } from './time.ts';
import type { World } from './world.ts';

const ATTEMPTS_MAX = 3;
const BACKOFF_MS = 400;
const LOOK_MS = 700;

interface Lock {
  owner: Actor;
  /** Whether its owner knows of it, and works on the job. */
  isRenewed: boolean;
}

interface Job {
  data: RetryJob;
  attempts: number;
  dueAt: number;
  lock: Lock | undefined;
  /** Why its last attempt failed; undefined before that. */
  failure: Failure | undefined;
}

export type KeptJobs = [id: string, job: Job][];

const idOf = ({ epoch, seq, redriveCount = 0 }: RetryJob): string => `${epoch}-${seq}-r${redriveCount}`;

const ERRORS = {
  lost: () => new Fault('redis-unavailable', 'the model lost the answer of the retry queue', { retryable: true }),
  refused: () => new Fault('redis-unavailable', 'the model refuses the retry queue', { retryable: true }),
};

export class RetryQueue {
  private readonly world: World;
  private jobs = new Map<string, Job>();

  constructor(world: World) {
    this.world = world;
  }

  snapshot = (): KeptJobs => [...this.jobs].map(([id, job]) => [id, { ...job }]);

  /** Of another server: whoever held a lock there renews none of these. */
  putBack(jobs: KeptJobs): void {
    this.jobs = new Map(jobs.map(([id, job]) => [id, { ...job, lock: undefined }]));
  }

  all = (): RetryJob[] => [...this.jobs.values()].map(({ data }) => data);

  /** The scheduling side, as one process reaches it. */
  reach(actor: Actor): Retries {
    const step = <T>(what: string, effect: () => T) => this.world.step(actor, { ...ERRORS, what, effect });
    return {
      schedule: (data) =>
        step('schedule retry', () => {
          const job = {
            data,
            attempts: 0,
            dueAt: this.world.time.now + BACKOFF_MS,
            lock: undefined,
            failure: undefined,
          };
          if (!this.jobs.has(idOf(data))) this.jobs.set(idOf(data), job);
        }),
      list: () => step('list retries', this.all),
      count: () => step('count retries', () => this.jobs.size),
      close: async () => undefined,
    };
  }

  /** The working side: until `stopping` aborts. */
  async workOn(actor: Actor, work: RetryWork, stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      await work.untilAble(stopping);
      await this.attemptNext(actor, work).catch(() => undefined);
      await this.buryFailed(actor, work).catch(() => undefined);
      await pause(LOOK_MS, stopping);
    }
  }

  private async attemptNext(actor: Actor, work: RetryWork): Promise<void> {
    if (this.due() === undefined) return;
    const step = <T>(what: string, effect: () => T) => this.world.step(actor, { ...ERRORS, what, effect });
    const lock: Lock = { owner: actor, isRenewed: false };
    const taken = await step('take retry', () => {
      const job = this.due();
      if (job !== undefined) job.lock = lock;
      return job;
    });
    if (taken === undefined) return;
    lock.isRenewed = true;
    const id = idOf(taken.data);
    const error = await work.attempt(taken.data).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    // Should it not get through, the lock ends by itself.
    lock.isRenewed = false;
    await step('end retry', () => {
      const job = this.jobs.get(id);
      // Whoever lost its lock has lost its say.
      if (job === undefined || job.lock !== lock) return;
      job.lock = undefined;
      if (error === undefined) this.jobs.delete(id);
      else if (isFault(error) && error.retryable) job.dueAt = this.world.time.now + BACKOFF_MS;
      else {
        job.attempts += 1;
        job.failure = failureOf(error);
        job.dueAt = this.world.time.now + BACKOFF_MS * 2 ** job.attempts;
      }
    });
  }

  private async buryFailed(actor: Actor, work: RetryWork): Promise<void> {
    for (const [id, job] of this.jobs) {
      if (job.attempts < ATTEMPTS_MAX) continue;
      await work.bury(job.data, job.failure!, job.attempts);
      await this.world.step(actor, { ...ERRORS, what: 'remove retry', effect: () => this.jobs.delete(id) });
    }
  }

  private due(): Job | undefined {
    const isFree = ({ lock }: Job) => lock === undefined || !lock.isRenewed || !this.world.isAwake(lock.owner);
    return [...this.jobs.values()].find(
      (job) => job.attempts < ATTEMPTS_MAX && job.dueAt <= this.world.time.now && isFree(job),
    );
  }
}
