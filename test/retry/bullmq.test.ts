import { expect, type TestContext, test } from 'vitest';
import type { Failure } from '../../src/domain/failure.ts';
import { Fault } from '../../src/domain/fault.ts';
import type { RetryJob } from '../../src/domain/retry-job.ts';
import { limits } from '../../src/process/limits.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { openRetries, workOnRetries } from '../../src/retry/bullmq.ts';
import type { RetryWork } from '../../src/retry/port.ts';
import { testRedis } from '../helpers/redis.ts';
import { startRedis } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';

const jobOf = (seq: number): RetryJob => ({
  campaign: 'sale',
  epoch: 1,
  seq,
  unit: seq,
  user: `user-${seq}`,
  admittedAt: 1,
  reason: 'rejected',
  traceparent: '',
});

/** Schedules on `url`, past whatever stands between the retrier and Redis. */
function scheduler(t: TestContext, url: string) {
  const retries = openRetries({ url, onError: () => undefined }, { attemptsMax: 3, backoffMs: 50 });
  t.onTestFinished(() => retries.close());
  return (seq: number) => retries.schedule(jobOf(seq));
}

/** A retrier that keeps what it was given; ends with the test. */
function retrier(t: TestContext, url: string, work: Partial<RetryWork> = {}, overdueMs?: number) {
  const attempted: { seq: number; at: number }[] = [];
  const errors: unknown[] = [];
  const all: RetryWork = {
    untilAble: async () => undefined,
    attempt: async ({ seq }) => void attempted.push({ seq, at: performance.now() }),
    bury: () => Promise.reject(new Error('nothing is to be buried here')),
    ...work,
  };
  const stop = new AbortController();
  const deps = { url, onError: (error: unknown) => void errors.push(error) };
  const ended = workOnRetries(deps, all, stop.signal, overdueMs);
  t.onTestFinished(() => {
    stop.abort();
    return ended;
  });
  return { attempted, errors };
}

/** Closes the connections of queues on Redis's side: theirs come back at once, those of workers stay silent. */
async function killQueues(redis: RedisClient): Promise<void> {
  const list = (await redis.client('LIST')) as string;
  const ids = [...list.matchAll(/^id=(\d+) .*name=sluice-retry-queue/gm)].map(([, id]) => id!);
  expect(ids.length).toBeGreaterThan(1);
  for (const id of ids) await redis.client('KILL', 'ID', id);
}

test('retries that were put off while they were listed were missing from the list', { timeout: 120_000 }, async (t) => {
  const { url } = await startRedis(t);
  const retries = openRetries({ url, onError: () => undefined }, { attemptsMax: 3, backoffMs: 600_000 });
  t.onTestFinished(() => retries.close());
  const count = 2_500;
  await Promise.all(Array.from({ length: count }, (_, index) => retries.schedule(jobOf(index + 1))));
  const redis = testRedis(t, url);
  let isOver = false;
  let movedCount = 0;
  const moving = (async () => {
    for (let seq = 1; !isOver; seq = (seq % count) + 1) {
      // As a retrier puts a job off: it leaves its place among the delayed jobs for one behind all others.
      await redis.zincrby('{sluice-retry}:issuance:delayed', 1e12, `t-sale-1-${seq}`);
      movedCount += 1;
    }
  })();
  for (let round = 0; round < 3; round += 1) {
    expect(new Set((await retries.list('sale')).map(({ seq }) => seq)).size).toBe(count);
  }
  isOver = true;
  await moving;
  expect(movedCount).toBeGreaterThan(0);
});

test('a retrier whose connections fell silent is started again once a retry is overdue', async (t) => {
  const { url } = await startRedis(t);
  const proxy = await startTcpProxy(t, url);
  const schedule = scheduler(t, url);
  const { attempted, errors } = retrier(t, proxy.url, {}, 1_000);
  await schedule(1);
  await until('the first retry', 5_000, () => attempted.length === 1);
  proxy.strand();
  await schedule(2);
  await killQueues(testRedis(t, url));
  // The sockets of its worker are given up after 15 s, all alone.
  await until('the second retry', 12_000, () => attempted.length === 2);
  expect(errors.map(String).join('\n')).toMatch(/received no retry/);
});

test('while the ledger is away retries wait without an attempt, and then come at a bounded rate', async (t) => {
  const { url } = await startRedis(t);
  const schedule = scheduler(t, url);
  const up = Promise.withResolvers<void>();
  const { attempted } = retrier(t, url, { untilAble: () => up.promise });
  const seqs = Array.from({ length: 600 }, (_, index) => index + 1);
  await Promise.all(seqs.map(schedule));
  const redis = testRedis(t, url);
  await until('all are due, and some in hand', async () => {
    // BullMQ orders its delayed set by the due time times 0x1000. It moves what is due on when a worker takes the next job:
    // once all hands are full, a job that comes due later stays in the set.
    const [notDue, inHand] = await Promise.all([
      redis.zcount(`${keys.retryPrefix}:issuance:delayed`, Date.now() * 0x1000, '+inf'),
      redis.llen(`${keys.retryPrefix}:issuance:active`),
    ]);
    return notDue === 0 && inHand === limits.retryConcurrency;
  });
  expect(attempted).toEqual([]);
  up.resolve();
  await until('all were tried', 15_000, () => attempted.length === 600);
  expect(new Set(attempted.map(({ seq }) => seq)).size).toBe(600);
  expect(attempted.at(-1)!.at - attempted[0]!.at).toBeGreaterThan(1_000);
});

/** What a job is buried with whose every attempt throws this. */
async function buriedWith(t: TestContext, thrown: unknown): Promise<Failure> {
  const { url } = await startRedis(t);
  const buried = Promise.withResolvers<Failure>();
  const { errors } = retrier(t, url, {
    attempt: () => Promise.reject(thrown),
    bury: async (_job, failure) => buried.resolve(failure),
  });
  await scheduler(t, url)(1);
  const failure = await buried.promise;
  // An operator of the machine learns of what nobody expects.
  expect(errors.includes(thrown)).toBe(failure.reason === 'internal-error');
  return failure;
}

test('the reason of a failure was cut out of its text at the first colon', { timeout: 120_000 }, async (t) => {
  const failure = { reason: 'rejected', detail: 'a trigger says: no\nand: again no' };
  expect(await buriedWith(t, new Fault('invalid', 'not this text: nor this', { failure }))).toEqual(failure);
});

test('a mistake of ours became a reason of its own', { timeout: 120_000 }, async (t) => {
  const mistake = new TypeError("Cannot read properties of undefined: reading 'unit'");
  expect(await buriedWith(t, mistake)).toEqual({ reason: 'internal-error', detail: mistake.message });
});

test('a job whose workers died at every attempt is buried as stalled', { timeout: 120_000 }, async (t) => {
  const { url } = await startRedis(t);
  await scheduler(t, url)(1);
  const redis = testRedis(t, url);
  const queue = `${keys.retryPrefix}:issuance`;
  // As it is left where BullMQ gives up a job that stalled too often.
  await redis
    .multi()
    .zrem(`${queue}:delayed`, 't-sale-1-1')
    .hset(`${queue}:t-sale-1-1`, 'stc', limits.retryStalledMax)
    .lpush(`${queue}:active`, 't-sale-1-1')
    .sadd(`${queue}:stalled`, 't-sale-1-1')
    .exec();
  const buried = Promise.withResolvers<Failure>();
  retrier(t, url, { bury: async (_job, failure) => buried.resolve(failure) });
  expect((await buried.promise).reason).toBe('stalled');
});
