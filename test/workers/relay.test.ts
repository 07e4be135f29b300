// The relay as a part of a worker, on the gates of a real Redis; what it sends is kept here.
import { expect, test } from 'vitest';
import type { Block } from '../../src/broker/kafka/record.ts';
import { composeWorker } from '../../src/composition/worker.ts';
import { createLedgerGuard } from '../../src/ledger/guard.ts';
import { limits } from '../../src/process/limits.ts';
import { openReading } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { openRetries } from '../../src/retry/bullmq.ts';
import { createWorkerHealth } from '../../workers/health.ts';
import { relayTickets } from '../../workers/relay.ts';
import { gatesOf } from '../contract/redis-source.ts';
import { testRedis } from '../helpers/redis.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';

const database = ownDatabase();

test('a worker that was the relay and lost the lease says nothing of its own reads, and stays ready', async (t) => {
  // The lease is one for all workers of a Redis.
  const { url } = await startRedis(t);
  const redis = testRedis(t, url);
  const onError = () => undefined;
  const ledger = database.open();
  const guard = createLedgerGuard(ledger);
  t.onTestFinished(() => guard[Symbol.dispose]());
  const retries = openRetries({ url, onError });
  t.onTestFinished(() => retries.close());
  const carried: number[] = [];
  let now = 0;
  const health = createWorkerHealth({ isLedgerAway: () => false, isRedisAway: () => false, now: () => now });
  const worker = composeWorker(
    {
      redis,
      ledger,
      guard,
      retries,
      openReader: (name) => openReading({ url, name, commandMs: limits.readMs, onError }),
      kafka: {
        topic: 'tickets',
        sealKey: Buffer.alloc(32),
        openMember: () => {
          throw new Error('no broker here');
        },
        send: async (blocks: readonly Block[]) => {
          carried.push(...blocks.flatMap(({ entries }) => entries.map(({ seq }) => seq)));
        },
        ends: async () => [0n],
        committed: async () => [0n],
      },
    },
    {
      name: 'was-the-relay',
      couponKey: Buffer.alloc(32),
      claimIdleMs: 30_000,
      durability: 'disk',
      graceMs: 0,
      retainEndedMs: 0,
      retainLedgerMs: undefined,
    },
    { onError, onTurn: health.looked, onTurnFailed: health.notLooked, onUnreadable: health.unreadable },
  );
  const stopping = new AbortController();
  const running = relayTickets(worker.relay!, stopping.signal);
  t.onTestFinished(async () => {
    stopping.abort();
    await running;
  });
  const campaign = uniqueName('relayed');
  const { append } = gatesOf(redis, { shards: 1, claimIdleMs: 30_000 });
  await append(campaign, 1);
  await until('the first ticket to be carried', async () => carried.includes(1));
  await redis.set(keys.relay, 'another worker');
  await append(campaign, 2);
  await until('the relay to end', async () => !String(await redis.client('LIST')).includes('~relay'));
  now = limits.readStaleMs + 1;
  health.looked('kafka');
  expect(health.readiness()).toEqual({ reasons: [], warnings: [] });
  expect(carried.filter((seq) => seq === 2).length).toBeLessThanOrEqual(1);
});
