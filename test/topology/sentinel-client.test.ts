import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { createClient } from '../../src/redis/client.ts';
import { untilReady } from '../../src/redis/connection.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import { startSentinels } from './sentinel.ts';

test('a client that hears of a failover while it asks for the primary was given up by ioredis for good', async (t) => {
  await using group = await startSentinels();
  const proxy = await startTcpProxy(t, `redis://127.0.0.1:${group.sentinels[0]!.port}`);
  const url = group.url.replace(/@[^/]*/, `@${new URL(proxy.url).host}`);
  const original = createClient({ url }, { name: 'test', silentMs: 60_000 }) as Redis;
  // What BullMQ blocks on is a duplicate of what it was given.
  for (const redis of [original, original.duplicate()]) {
    redis.on('error', () => undefined);
    t.onTestFinished(() => redis.disconnect());
    proxy.set('hold');
    redis.connect().catch(() => undefined);
    await until('it asks', 5_000, () => redis.status === 'connecting');
    // All that the detector does.
    Reflect.get(redis, 'connector').disconnect();
    let hasEnded = false;
    redis.once('end', () => {
      hasEnded = true;
    });
    await until('it is given up', 5_000, () => hasEnded);
    proxy.set('pass');
    await untilReady(redis, 10_000);
    expect(await redis.ping()).toBe('PONG');

    redis.disconnect();
    await until('it ends', 5_000, () => redis.status === 'end');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(redis.status).toBe('end');
  }
});
