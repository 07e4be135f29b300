// What only the Redis adapter can get wrong.
import { expect, test, vi } from 'vitest';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { testRedis } from '../helpers/redis.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { openReader } from './redis-source.ts';

const CLAIM_IDLE_MS = 300;

test('a claim that fails on a later shard does not keep the entries of an earlier one for ever', async (t) => {
  const redis = testRedis(t);
  const campaign = uniqueName('half-claimed');
  const options = { redis, claimIdleMs: CLAIM_IDLE_MS };
  await redis.hset(keys.gate(campaign), 'seq', 2);
  const [silent, other] = [
    await openReader({ ...options, name: 'silent' }, { id: campaign, epoch: 1, shards: 2 }),
    await openReader({ ...options, name: 'other' }, { id: campaign, epoch: 1, shards: 2 }),
  ];
  for (const reader of [silent, other]) t.onTestFinished(() => reader.close());
  await redis.xadd(keys.work(campaign, 0), '2-0', 'user', 'ann');
  expect(await silent.receive(100)).toHaveLength(1);
  expect(await other.receive(10)).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, CLAIM_IDLE_MS + 50));

  const [second, away] = [keys.work(campaign, 1), `${keys.work(campaign, 1)}:away`];
  await redis.multi().rename(second, away).set(second, 'an intruder was here').exec();
  await expect(other.receive(10)).rejects.toMatchObject({ code: 'corrupt-state' });
  await redis.multi().del(second).rename(away, second).exec();

  const [batch] = await until('the entry that was claimed', 3_000, async () => {
    const batches = await other.receive(10);
    return batches.length > 0 ? batches : undefined;
  });
  expect(batch!.entries.map(({ seq }) => seq)).toEqual([2]);
});

test('a worker that starts while Redis is full receives what waits; a shard without its group it cannot serve', async (t) => {
  const { url } = await startRedis(t);
  const redis = testRedis(t, url);
  const campaign = uniqueName('full');
  const options = { redis, url, claimIdleMs: CLAIM_IDLE_MS };
  await redis.xadd(keys.work(campaign, 0), '1-0', 'user', 'ann');
  await redis.xgroup('CREATE', keys.work(campaign, 0), GROUP, '0');
  await redis.config('SET', 'maxmemory', '1');
  const consumer = await openReader({ ...options, name: 'late' }, { id: campaign, epoch: 1, shards: 1 });
  t.onTestFinished(() => consumer.close());
  expect((await consumer.receive(100)).map(({ entries }) => entries.map(({ seq }) => seq))).toEqual([[1]]);
  await expect(openReader({ ...options, name: 'late' }, { id: campaign, epoch: 1, shards: 2 })).rejects.toMatchObject({
    code: 'redis-unavailable',
  });
});

test('entries of a silent consumer are claimed also after the clock was set back by an hour', async (t) => {
  const redis = testRedis(t);
  const campaign = uniqueName('set-back');
  const options = { redis, claimIdleMs: CLAIM_IDLE_MS };
  await redis.hset(keys.gate(campaign), 'seq', 1);
  const [silent, other] = [
    await openReader({ ...options, name: 'silent' }, { id: campaign, epoch: 1, shards: 1 }),
    await openReader({ ...options, name: 'other' }, { id: campaign, epoch: 1, shards: 1 }),
  ];
  for (const reader of [silent, other]) t.onTestFinished(() => reader.close());
  await redis.xadd(keys.work(campaign, 0), '1-0', 'user', 'ann');
  expect(await silent.receive(100)).toHaveLength(1);
  const right = Date.now.bind(Date);
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => right() - 3_600_000);
  t.onTestFinished(() => spy.mockRestore());
  await until('the entry is claimed', 60_000, async () => (await other.receive(10)).length > 0);
});
