import { expect, test } from 'vitest';
import { openFast, redisFault, untilReady } from '../../src/redis/connection.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { testRedis } from '../helpers/redis.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';

test('a command fails at once while Redis is away, and the connection comes back by itself', async (t) => {
  const proxy = await startTcpProxy(t, (await startRedis(t)).url);
  // A command that waited, for its time to run out or for Redis, would outlast the test.
  const commandMs = 10 * DEADLINE_MS;
  const redis = openFast({ url: proxy.url, name: 'test-fast', onError: () => undefined, commandMs });
  t.onTestFinished(() => redis.disconnect());
  await untilReady(redis, DEADLINE_MS);
  proxy.set('reset');
  await until('the outage is noticed', () => redis.status !== 'ready');
  for (let i = 0; i < 20; i += 1) await expect(redis.ping()).rejects.toThrow();
  proxy.set('pass');
  await untilReady(redis, DEADLINE_MS);
  expect(await redis.ping()).toBe('PONG');
});

test('a command that Redis does not answer ends in time, and the silent connection is replaced', async (t) => {
  const { url } = await startRedis(t);
  const proxy = await startTcpProxy(t, url);
  const redis = openFast({ url: proxy.url, name: 'test-silent', onError: () => undefined, commandMs: 300 });
  t.onTestFinished(() => redis.disconnect());
  await untilReady(redis, DEADLINE_MS);
  const key = uniqueName('silent');
  proxy.set('drop-replies');
  await expect(redis.set(key, 1)).rejects.toThrow(/timed out/);
  await until('it is given up', () => redis.status !== 'ready');
  proxy.set('pass');
  await untilReady(redis, DEADLINE_MS);
  // It was done all the same: unknown is an outcome of its own. Nothing was sent a second time.
  expect(await testRedis(t, url).incr(key)).toBe(2);
});

test('waiting for a Redis that is not there ends with a retryable fault', async (t) => {
  const redis = openFast({ url: 'redis://127.0.0.1:1', name: 'test-none', onError: () => undefined, commandMs: 100 });
  t.onTestFinished(() => redis.disconnect());
  await expect(untilReady(redis, 200)).rejects.toMatchObject({ code: 'redis-unavailable', retryable: true });
});

test.for([
  ['SLUICE_GATE_MISSING no gate', 'gate-missing', true],
  ['SLUICE_EPOCH gate is of epoch 2', 'stale-epoch', true],
  ['SLUICE_CORRUPT the free list', 'corrupt-state', false],
  ['WRONGTYPE Operation against a key', 'corrupt-state', false],
  ['Command timed out', 'redis-unavailable', true],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'redis-unavailable', true],
  ['LOADING Redis is loading the dataset in memory', 'redis-unavailable', true],
  ["READONLY You can't write against a read only replica.", 'redis-unavailable', true],
] as const)('%j is a fault with code %s, retryable: %s', ([message, code, retryable]) => {
  const error = Object.assign(new Error(message), { command: { name: 'evalsha', args: ['a-secret-user'] } });
  const fault = redisFault(error);
  expect(fault).toMatchObject({ code, retryable });
  // ioredis puts the arguments, users among them, beside its message: they must not travel on.
  expect(JSON.stringify([fault.message, fault.cause])).not.toContain('a-secret-user');
  expect(redisFault(fault)).toBe(fault);
});
