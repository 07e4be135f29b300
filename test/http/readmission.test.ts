// A place that is given back, and what is promised of it.
import { expect, test } from 'vitest';
import { bucketOf, userTag } from '../../src/domain/ids.ts';
import { keys } from '../../src/redis/keys.ts';
import { until } from '../helpers/until.ts';
import { fronts } from './front.ts';

const file = fronts();

test('a ticket that got its place back is not called safe on a replica that has confirmed nothing', async (t) => {
  const disk = await file.start(t, { durability: 'disk' });
  const replica = await file.start(t, { durability: 'replica' });
  const campaign = await disk.create({ shards: 1 });
  const { ticket } = (await disk.join(campaign, 'ann')).body;
  const { buckets } = (await disk.readGates([campaign]))[0]!;
  const tag = userTag(campaign, 'ann');
  await disk.redis.hdel(keys.users(campaign, bucketOf(tag, buckets)), tag);
  // The seq that it had is settled: memory says that the gate is to be asked.
  await disk.redis.hset(keys.gate(campaign), 'watermark:0', 1, 'settled:0', 1, 'settled', 1);
  await until('the front has read that', 60_000, async () => {
    return (await replica.campaigns.get(campaign))!.view.watermarks[0] === 1;
  });
  // This Redis has no replica, so nothing is ever confirmed; asking again does not make it so.
  for (const time of ['first', 'second'])
    expect([time, (await replica.poll(ticket, AS_ANN)).status]).toEqual([time, 503]);
  expect(await disk.redis.hexists(keys.users(campaign, bucketOf(tag, buckets)), tag)).toBe(1);
  expect((await disk.poll(ticket, AS_ANN)).body).toMatchObject({ status: 'queued', durability: 'disk' });
});

const AS_ANN = { 'x-user-id': 'ann' };
