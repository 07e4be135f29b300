import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { keys } from '../../src/redis/keys.ts';
import { createWorkerReports } from '../../src/redis/worker-reports.ts';
import { testRedis } from '../helpers/redis.ts';
import { startRedis } from '../helpers/services.ts';

test('a report is read with its reasons and age, replaces the one before, and is withdrawn', async (t) => {
  const redis = testRedis(t, (await startRedis(t)).url);
  const { report, read, withdraw } = createWorkerReports(redis);
  expect(await read()).toEqual([]);
  await report('a', ['ledger-unreachable', 'stream-read-stale:spring-sale']);
  await report('b', []);
  const reports = (await read()).toSorted((one, other) => one.name.localeCompare(other.name));
  expect(reports).toEqual([
    { name: 'a', silentMs: expect.any(Number), reasons: ['ledger-unreachable', 'stream-read-stale:spring-sale'] },
    { name: 'b', silentMs: expect.any(Number), reasons: [] },
  ]);
  await report('a', []);
  await withdraw('b');
  expect(await read()).toEqual([{ name: 'a', silentMs: expect.any(Number), reasons: [] }]);
});

test('workers that are gone are told for a while, and forgotten with the report of another', async (t) => {
  const redis = testRedis(t, (await startRedis(t)).url);
  const { report, read } = createWorkerReports(redis);
  const [seconds] = (await redis.time()).map(Number) as [number, number];
  const reportedAgo = (ms: number) => `${seconds * 1_000 - ms} `;
  await redis.hset(keys.workers, 'silent', reportedAgo(60_000), 'old', reportedAgo(limits.workerForgottenMs + 1_000));
  await redis.hset(keys.workers, 'nonsense', 'now');
  expect((await read()).map(({ name }) => name).toSorted()).toEqual(['old', 'silent']);
  expect((await read()).find(({ name }) => name === 'silent')!.silentMs).toBeGreaterThanOrEqual(60_000);
  await report('new', []);
  expect((await read()).map(({ name }) => name).toSorted()).toEqual(['new', 'silent']);
  expect(await redis.hexists(keys.workers, 'nonsense')).toBe(0);
});

test('a report from the future is of a worker that is gone, and a key of another type is a fault', async (t) => {
  const redis = testRedis(t, (await startRedis(t)).url);
  const { report, read } = createWorkerReports(redis);
  await redis.hset(keys.workers, 'ahead', `${Date.now() + 3_600_000} `);
  const [ahead] = await read();
  expect(ahead!.silentMs).toBeGreaterThan(limits.workerSilentMs);
  await redis.del(keys.workers);
  await redis.set(keys.workers, 'an intruder was here');
  for (const ask of [() => read(), () => report('a', [])])
    await expect(ask()).rejects.toMatchObject({ code: 'corrupt-state' });
  expect(await redis.get(keys.workers)).toBe('an intruder was here');
});
