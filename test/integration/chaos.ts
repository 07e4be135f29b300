// What goes wrong in the sale of `chaos.test.ts`, and how often it did.
import type { TestContext } from 'vitest';
import { pause } from '../../src/process/lifecycle.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { loadScript } from '../../src/redis/scripts.ts';
import { type Running, type Stores, startWorker } from '../helpers/processes.ts';
import type { LossyProxy } from '../ledger/lossy-proxy.ts';

const KILL_EVERY_MS = 1_000;
/** How long the chosen worker may live on until it has a batch in hand. */
const WORK_WITHIN_MS = 20_000;
const LOSE_EVERY_MS = 1_000;
const ANSWERS_BETWEEN = 100;

export interface Killer {
  /** Names of the killed, in order. */
  killed: string[];
  /** Entries that a worker had received and not settled when it was killed: each has to be delivered again. */
  orphanedCount: number;
  /** Once those that were killed are back at work. */
  stop: () => Promise<void>;
}

/** Kills a random worker every second, in the middle of its work where it has some, and starts it again under its name. */
export function killWorkers(
  t: TestContext,
  plan: { stores: Stores; workers: Map<string, Running>; redis: RedisClient; campaign: string; shards: number },
): Killer {
  const { stores, workers, redis, campaign, shards } = plan;
  const over = new AbortController();
  let isAbandoned = false;
  const bag: string[] = [];
  const killer: Killer = {
    killed: [],
    orphanedCount: 0,
    stop: async () => {
      over.abort();
      await loop;
    },
  };

  async function killOne(): Promise<void> {
    const slots = [...workers.keys()];
    // From a bag: chance alone may choose only those who share a name, and of them nobody can tell whose an entry was.
    if (bag.length === 0) bag.push(...slots);
    const [slot] = bag.splice(Math.floor(Math.random() * bag.length), 1) as [string];
    const name = nameOf(slot);
    const giveUpAt = Date.now() + WORK_WITHIN_MS;
    while (Date.now() < giveUpAt && !(await stopInWork(workers.get(slot)!.pid, name))) await pause(1);
    await workers.get(slot)!.end('SIGKILL');
    killer.killed.push(slot);
    if (slots.filter((other) => nameOf(other) === name).length === 1) {
      killer.orphanedCount += await pendingOf(redis, campaign, shards, name);
    }
    if (!isAbandoned) workers.set(slot, await startWorker(t, stores, name));
  }

  /** Stops the process if it still has work in hand once it stands still: looking alone takes longer than a batch may. */
  async function stopInWork(pid: number, name: string): Promise<boolean> {
    if ((await pendingOf(redis, campaign, shards, name)) === 0) return false;
    process.kill(pid, 'SIGSTOP');
    if ((await pendingOf(redis, campaign, shards, name)) > 0) return true;
    process.kill(pid, 'SIGCONT');
    return false;
  }

  /** That a worker got something done, or has nothing to do: on a busy machine those that start may need many seconds. */
  async function untilProgress(settledBefore: number): Promise<void> {
    while (!over.signal.aborted) {
      const [seq, settled] = (await redis.hmget(keys.gate(campaign), 'seq', 'settled')).map(Number) as [number, number];
      if (settled > settledBefore || settled === seq) return;
      await pause(20, over.signal);
    }
  }

  const loop = (async () => {
    for (;;) {
      await pause(KILL_EVERY_MS, over.signal);
      if (over.signal.aborted) return;
      const settled = Number(await redis.hget(keys.gate(campaign), 'settled'));
      await killOne();
      await untilProgress(settled);
    }
  })();
  t.onTestFinished(async () => {
    isAbandoned = true;
    over.abort();
    await loop.catch(() => undefined);
  });
  return killer;
}

/** `w1#2` is a second worker that calls itself `w1`. */
export const nameOf = (slot: string): string => slot.split('#')[0]!;

/**
 * Loses the reply of a decision of the gate now and then: the script ran, and the front will never know. Between two of
 * them `answeredCount` grows: what loses the first reply after each reconnection lets nobody buy on a slow machine.
 */
export function loseReplies(t: TestContext, proxy: LossyProxy, answeredCount: () => number): () => Promise<void> {
  const { sha } = loadScript('admit');
  const over = new AbortController();
  const loop = (async () => {
    while (!over.signal.aborted) {
      // At odd times: in step with the clients' Retry-After it would hit the same ones each time.
      await pause(LOSE_EVERY_MS * (0.5 + Math.random()), over.signal);
      if (over.signal.aborted) return;
      const [lost, answered] = [proxy.lostCount(), answeredCount()];
      proxy.loseAnswerTo(sha, 'close');
      const goesOn = () => proxy.lostCount() > lost && answeredCount() >= answered + ANSWERS_BETWEEN;
      while (!over.signal.aborted && !goesOn()) await pause(20, over.signal);
    }
  })();
  const stop = async () => {
    over.abort();
    await loop;
  };
  t.onTestFinished(stop);
  return stop;
}

async function pendingOf(redis: RedisClient, campaign: string, shards: number, consumer: string): Promise<number> {
  let count = 0;
  for (let shard = 0; shard < shards; shard += 1) {
    const work = keys.work(campaign, shard);
    count += ((await redis.xpending(work, GROUP, '-', '+', 1_000, consumer)) as unknown[]).length;
  }
  return count;
}
