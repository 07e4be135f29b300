// What only the Redis adapter can get wrong.
import { expect, type TestContext, test, vi } from 'vitest';
import type { Batch, TicketSource } from '../../src/broker/port.ts';
import { isFault } from '../../src/domain/fault.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { testRedis } from '../helpers/redis.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { giveOut, openSource, type SourceOptions } from './redis-source.ts';

const CLAIM_IDLE_MS = 300;

function open(t: TestContext, options: SourceOptions): TicketSource {
  const source = openSource({ claimIdleMs: CLAIM_IDLE_MS, ...options });
  t.onTestFinished(() => source.close().then(() => undefined));
  return source;
}

const batchFrom = (source: TicketSource): Promise<Batch> => until('a batch', async () => (await source.receive(50))[0]);

test('a claim that fails on a later shard does not keep the entries of an earlier one for ever', async (t) => {
  const redis = testRedis(t);
  const campaign = uniqueName('half-claimed');
  const options = { redis, only: [campaign] };
  await redis.xadd(keys.work(campaign, 0), '2-0', 'user', 'ann');
  await giveOut(redis, { campaign, seq: 2, shards: 2 });
  await batchFrom(open(t, { ...options, name: 'silent' }));
  await new Promise((resolve) => setTimeout(resolve, CLAIM_IDLE_MS + 50));

  const [second, away] = [keys.work(campaign, 1), `${keys.work(campaign, 1)}:away`];
  await redis.multi().rename(second, away).set(second, 'an intruder was here').exec();
  const errors: unknown[] = [];
  const other = open(t, { ...options, name: 'other', onError: (error) => errors.push(error) });
  const claimed = batchFrom(other);
  await until('the later shard fails', () => errors.some((error) => isFault(error, 'corrupt-state')));
  await redis.multi().del(second).rename(away, second).exec();
  expect((await claimed).entries.map(({ seq }) => seq)).toEqual([2]);
});

test('a worker that starts while Redis is full receives what waits; a campaign without its groups waits', async (t) => {
  const { url } = await startRedis(t);
  const redis = testRedis(t, url);
  const [campaign, groupless] = [uniqueName('full'), uniqueName('groupless')];
  await redis.xgroup('CREATE', keys.work(campaign, 0), GROUP, '0', 'MKSTREAM');
  for (const id of [campaign, groupless]) {
    await redis.xadd(keys.work(id, 0), '1-0', 'user', 'ann');
    await giveOut(redis, { campaign: id, seq: 1, shards: 1 });
  }
  await redis.config('SET', 'maxmemory', '1');
  const unreadable: string[] = [];
  const source = open(t, { redis, url, name: 'late', onUnreadable: (id) => unreadable.push(id) });
  const batch = await batchFrom(source);
  expect([batch.campaign, batch.entries.map(({ seq }) => seq)]).toEqual([campaign, [1]]);
  await until('the other one cannot be read', async () => {
    expect(await source.receive(10)).toEqual([]);
    return unreadable.includes(groupless);
  });
  await redis.config('SET', 'maxmemory', '0');
  expect((await batchFrom(source)).campaign).toBe(groupless);
});

test('entries of a silent consumer are claimed also after the clock was set back by an hour', async (t) => {
  const redis = testRedis(t);
  const campaign = uniqueName('set-back');
  const options = { redis, only: [campaign] };
  await redis.xadd(keys.work(campaign, 0), '1-0', 'user', 'ann');
  await giveOut(redis, { campaign, seq: 1, shards: 1 });
  await batchFrom(open(t, { ...options, name: 'silent' }));
  const right = Date.now.bind(Date);
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => right() - 3_600_000);
  t.onTestFinished(() => spy.mockRestore());
  await batchFrom(open(t, { ...options, name: 'other' }));
});
