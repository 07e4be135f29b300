// State that makes no sense: the gate script refuses it and leaves no ticket behind.
import { expect, test } from 'vitest';
import { shardOf } from '../../src/domain/shard.ts';
import { admitCall } from '../../src/gate/redis/gate.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { campaignOf, keysLike } from '../helpers/redis.ts';
import { joinOf, sold } from './sold.ts';

/** Everything Redis holds of a campaign, as bytes, except when something happened. */
async function stateOf(redis: RedisClient, id: string): Promise<Record<string, unknown>> {
  const names = await keysLike(redis, keys.gate(id).replace(/gate$/, '*'));
  const dumps = await Promise.all(
    names.toSorted().map(async (name) => [name, (await redis.dumpBuffer(name))?.toString('hex')]),
  );
  return Object.fromEntries(dumps);
}

const wrongTyped: [string, (id: string) => string][] = [
  ['the gate', (id) => keys.gate(id)],
  ['the free list', (id) => keys.free(id)],
  ['the work stream of the first ticket', (id) => keys.work(id, shardOf(5, 3))],
  ['the work stream of a later ticket of the batch', (id) => keys.work(id, shardOf(6, 3))],
  ['the bucket of a user', (id) => admitCall(campaignOf(id), [joinOf(id, 'y')], 0).keys.at(-1)!],
];
for (const [what, keyOf] of wrongTyped) {
  test(`${what} being of another type fails the batch and leaves the state bit-identical`, async (t) => {
    const { redis, campaign, gate } = await sold(t, 'wrong');
    const key = keyOf(campaign.id);
    await redis.del(key);
    await redis.set(key, 'an intruder was here');
    const before = await stateOf(redis, campaign.id);
    const batch = ['x', 'y', 'z'].map((user) => joinOf(campaign.id, user));
    await expect(gate.admit(campaign, batch, 0)).rejects.toMatchObject({ code: 'corrupt-state', retryable: false });
    expect(await stateOf(redis, campaign.id)).toEqual(before);
  });
}

test.for([
  ['settled', 'NaN'],
  ['seq', '0x10'],
  ['seq', ' 7'],
  ['next_unit', '9007199254740993'],
  ['bucket_level', '1e400'],
  ['stock', '-1'],
  ['state', 'open'],
] as const)('a gate whose %s is %s is refused, and nothing is written', async ([field, value], t) => {
  const { redis, campaign, gate } = await sold(t, 'field');
  await redis.hset(keys.gate(campaign.id), field, value);
  const before = await stateOf(redis, campaign.id);
  await expect(gate.admit(campaign, [joinOf(campaign.id, 'x')], 0)).rejects.toMatchObject({ code: 'corrupt-state' });
  expect(await stateOf(redis, campaign.id)).toEqual(before);
});

test('a stream whose IDs somebody exhausted fails the batch before anything is written', async (t) => {
  const { redis, campaign, gate } = await sold(t, 'exhausted');
  await redis.xadd(keys.work(campaign.id, shardOf(6, 3)), '18446744073709551615-1', 'user', 'intruder');
  const before = await stateOf(redis, campaign.id);
  const batch = ['x', 'y', 'z'].map((user) => joinOf(campaign.id, user));
  await expect(gate.admit(campaign, batch, 0)).rejects.toMatchObject({ code: 'gate-unverified', retryable: true });
  expect(await stateOf(redis, campaign.id)).toEqual(before);
});

test.for([6, 7])(
  'an ID that a deleted entry used up fails the batch, and no ticket is left of it: seq %i',
  async (seq, t) => {
    const { redis, campaign, gate } = await sold(t, 'used-up');
    const before = await redis.hgetall(keys.gate(campaign.id));
    const work = keys.work(campaign.id, shardOf(seq, 3));
    await redis.xadd(work, '18446744073709551615-1', 'user', 'intruder');
    await redis.xdel(work, '18446744073709551615-1');
    const batch = ['x', 'y', 'z'].map((user) => joinOf(campaign.id, user));
    await expect(gate.admit(campaign, batch, 0)).rejects.toMatchObject({ code: 'gate-unverified', retryable: true });
    expect(await redis.hgetall(keys.gate(campaign.id))).toEqual(before);
    expect(await redis.zrange(keys.free(campaign.id), 0, '-1')).toEqual(['77']);
    const call = admitCall(campaign, batch, 0);
    for (const [index, users] of call.keys.slice(-3).entries()) {
      expect(await redis.hexists(users, batch[index]!.tag)).toBe(0);
    }
    const waiting = await Promise.all([0, 1, 2].map((shard) => redis.xlen(keys.work(campaign.id, shard))));
    expect(waiting.reduce((sum, length) => sum + length, 0)).toBe(4);
  },
);
