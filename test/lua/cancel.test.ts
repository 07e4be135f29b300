import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backlogOf, placeOf } from '../../src/domain/gate-view.ts';
import { bucketOf, userTag } from '../../src/domain/ids.ts';
import { shardOf } from '../../src/domain/shard.ts';
import type { Gate } from '../../src/gate/port.ts';
import { claimCarried } from '../../src/gate/redis/carrying.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createGateReader } from '../../src/gate/redis/gate-reader.ts';
import { createReturns } from '../../src/gate/redis/returns.ts';
import { createSettlement } from '../../src/gate/redis/settlement.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { GROUP, keys, RELAY } from '../../src/redis/keys.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';

const STOCK = 6;
const SHARDS = 3;

type Step =
  | { do: 'join'; user: number }
  | { do: 'cancel'; user: number }
  | { do: 'deliver'; shard: number; count: number }
  | { do: 'carry'; shard: number; count: number }
  | { do: 'claim'; shard: number }
  | { do: 'settle'; shard: number; as: 'issued' | 'retrying' | 'failed' }
  | { do: 'resolve'; user: number; as: 'issued' | 'failed' }
  | { do: 'redrive'; user: number }
  | { do: 'giveBack'; user: number };

const user = fc.nat(14);
const shard = fc.nat(SHARDS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join' as const), user }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel' as const), user }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), shard, count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('carry' as const), shard, count: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('claim' as const), shard }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      shard,
      as: fc.constantFrom('issued' as const, 'retrying' as const, 'failed' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('resolve' as const),
      user,
      as: fc.constantFrom('issued' as const, 'failed' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('redrive' as const), user }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('giveBack' as const), user }) },
);

/** What the steps should have come to, told from outside. */
interface Held {
  seq: number;
  unit: number;
  /** `carried`: the relay has it, and no worker. */
  state: 'queued' | 'carried' | 'delivered' | 'issued' | 'retrying' | 'cancelling' | 'failed' | 'cancelled';
}

async function openGate(redis: RedisClient, name: string) {
  const campaign = campaignOf(uniqueName(name), { stock: STOCK, shards: SHARDS });
  const gate = createGate(redis);
  await gate.project(campaign, true);
  for (let of = 0; of < SHARDS; of += 1) {
    await redis.xgroup('CREATE', keys.work(campaign.id, of), GROUP, '0', 'MKSTREAM');
  }
  return { campaign, gate, returns: createReturns(redis), readGates: createGateReader(redis) };
}

const joinOf = async (gate: Gate, campaign: ReturnType<typeof campaignOf>, name: string) =>
  (await gate.admit(campaign, [{ tag: userTag(campaign.id, name), user: name, trace: '' }], 0)).decisions[0]!;

test('over random joins, carriers, settlements, retries and cancellations no unit is lost and none is held twice', async (t) => {
  const redis = testRedis(t);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const { campaign, gate, returns, readGates } = await openGate(redis, 'units');
      const { id } = campaign;
      const holders = new Map<string, Held>();
      const inShard = (of: number, state: Held['state']) =>
        [...holders.values()].filter((held) => held.state === state && shardOf(held.seq, SHARDS) === of);

      for (const next of steps) {
        const name = 'user' in next ? `user-${next.user}` : '';
        const tag = userTag(id, name);
        const held = holders.get(name);
        if (next.do === 'join') {
          const decision = await joinOf(gate, campaign, name);
          if (held) expect(decision).toMatchObject({ kind: 'known', seq: held.seq, unit: held.unit });
          else if (decision.kind === 'admitted') {
            const { seq, unit } = decision;
            holders.set(name, { seq, unit, state: 'queued' });
          } else expect(decision.kind).toBe('sold-out');
        } else if (next.do === 'deliver' || next.do === 'carry') {
          const at = keys.work(id, next.shard);
          const consumer = next.do === 'deliver' ? 'worker' : RELAY;
          await redis.xreadgroup('GROUP', GROUP, consumer, 'COUNT', next.count, 'STREAMS', at, '>');
          const waiting = inShard(next.shard, 'queued').toSorted((a, b) => a.seq - b.seq);
          for (const one of waiting.slice(0, next.count)) one.state = next.do === 'deliver' ? 'delivered' : 'carried';
        } else if (next.do === 'claim') {
          // All that ever was carried, as a topic has it: what is settled or given back is nobody's any more.
          const seqs = [...holders.values()].map(({ seq }) => seq).toSorted((a, b) => a - b);
          if (seqs.length === 0) continue;
          const span = { shard: next.shard, first: seqs[0]!, last: seqs.at(-1)! };
          const [waits] = await claimCarried(redis, { campaign: id, epoch: 1, spans: [span] });
          const waiting = [...inShard(next.shard, 'carried'), ...inShard(next.shard, 'delivered')];
          expect(seqs.filter((seq) => waits!(seq)).toSorted((a, b) => a - b)).toEqual(
            waiting.map(({ seq }) => seq).toSorted((a, b) => a - b),
          );
          for (const one of waiting) one.state = 'delivered';
        } else if (next.do === 'settle') {
          const [one] = inShard(next.shard, 'delivered');
          if (one === undefined) continue;
          const outcome =
            next.as === 'failed' ? { status: 'failed' as const, reason: 'x' } : { status: 'retrying' as const };
          const exceptions = next.as === 'issued' ? [] : [{ seq: one.seq, outcome }];
          const batch = { campaign: id, epoch: 1, shard: next.shard, entries: [{ seq: one.seq }] };
          await createSettlement(redis).settle(batch, exceptions);
          one.state = next.as;
        } else if (next.do === 'resolve') {
          const issued = { status: 'issued-renumbered' as const, unit: held?.unit ?? 0 };
          const final = next.as === 'failed' ? { status: 'failed' as const, reason: 'x' } : issued;
          const resolved = held !== undefined && (await gate.resolve(campaign, tag, final));
          expect(resolved).toBe(held?.state === 'retrying');
          if (resolved) held.state = next.as;
        } else if (next.do === 'redrive') {
          const now = await returns.redrive(campaign, tag);
          if (held?.state === 'failed') held.state = 'retrying';
          const told = { queued: 'none', carried: 'none', delivered: 'none', issued: 'none', failed: 'none' } as const;
          expect(now).toBe(
            held === undefined
              ? 'lost'
              : { ...told, retrying: 'retrying', cancelling: 'cancelling', cancelled: 'cancelled' }[held.state],
          );
        } else if (next.do === 'cancel') {
          const now = await returns.cancel(campaign, tag);
          if (held === undefined) expect(now.state).toBe('lost');
          else {
            const told: Record<Held['state'], string> = {
              queued: 'cancelled',
              carried: 'cancelled',
              delivered: 'pending',
              issued: 'issued-as-promised',
              retrying: 'cancelling',
              cancelling: 'cancelling',
              failed: 'failed',
              cancelled: 'already',
            };
            expect(now).toMatchObject({ state: told[held.state], place: held.seq, unit: held.unit });
            if (held.state === 'queued' || held.state === 'carried') {
              expect(now.user).toBe(name);
              held.state = 'cancelled';
            }
            if (held.state === 'retrying') held.state = 'cancelling';
          }
        } else if (held !== undefined && ['issued', 'failed', 'cancelling', 'cancelled'].includes(held.state)) {
          const changed = await returns.giveBack(campaign, {
            tag: userTag(campaign.id, name),
            seq: held.seq,
            unit: held.unit,
          });
          expect(changed).toBe(held.state !== 'cancelled');
          held.state = 'cancelled';
        }

        const [view] = await readGates([id]);
        const all = [...holders.values()];
        const kept = all.filter(({ state }) => state !== 'cancelled');
        expect(new Set(kept.map(({ unit }) => unit)).size).toBe(kept.length);
        expect(view!.remaining + kept.length).toBe(STOCK);
        const unsettled = all.filter(({ state }) => ['queued', 'carried', 'delivered'].includes(state));
        expect(backlogOf(view!)).toBe(unsettled.length);
        const retried = all.filter(({ state }) => state === 'retrying' || state === 'cancelling');
        expect(view!.retryingCount).toBe(retried.length);
        expect(view!.cancelledCount).toBe(all.length - kept.length);
        for (const { seq } of unsettled) expect(placeOf(view!, seq)).not.toBe('settled');
      }
    }),
    { numRuns: 150 },
  );
});

test('the watermark passes a place that was given back when nobody has work before it', async (t) => {
  const { campaign, gate, returns, readGates } = await openGate(testRedis(t), 'mark');
  for (const name of ['a', 'b', 'c', 'd']) await joinOf(gate, campaign, name);
  // Seqs 1 and 4 share a shard: the later one alone cannot be passed, the earlier one can.
  const marks = async () => (await readGates([campaign.id]))[0]!.watermarks;
  await returns.cancel(campaign, userTag(campaign.id, 'd'));
  expect(await marks()).toEqual([0, 0, 0]);
  await returns.cancel(campaign, userTag(campaign.id, 'a'));
  expect(await marks()).toEqual([0, 4, 0]);
});

test('a place before the work of somebody else is not passed', async (t) => {
  const redis = testRedis(t);
  const { campaign, gate, returns, readGates } = await openGate(redis, 'held');
  for (const name of ['a', 'b', 'c', 'd']) await joinOf(gate, campaign, name);
  await redis.xreadgroup('GROUP', GROUP, 'worker', 'COUNT', 1, 'STREAMS', keys.work(campaign.id, 1), '>');
  await returns.cancel(campaign, userTag(campaign.id, 'd'));
  expect((await readGates([campaign.id]))[0]!.watermarks).toEqual([0, 0, 0]);
});

test('a place is given back before any worker has made its group', async (t) => {
  const redis = testRedis(t);
  const campaign = campaignOf(uniqueName('early'), { stock: STOCK, shards: SHARDS });
  const gate = createGate(redis);
  await gate.project(campaign, true);
  await joinOf(gate, campaign, 'a');
  const given = await createReturns(redis).cancel(campaign, userTag(campaign.id, 'a'));
  expect(given).toEqual({ state: 'cancelled', place: 1, unit: 1, user: 'a' });
  expect(await redis.zrange(keys.free(campaign.id), 0, '-1')).toEqual(['1']);
});

test('a ticket that was settled before the gate was rebuilt is known by its tag', async (t) => {
  const redis = testRedis(t);
  const { campaign, returns } = await openGate(redis, 'rebuilt');
  const { id } = campaign;
  const restored = async (name: string, place: number) => {
    const tag = userTag(id, name);
    const packed = Buffer.alloc(28);
    packed.writeUIntBE(place, 0, 6);
    packed.writeUInt32BE(5, 6);
    packed.writeUInt16BE(1, 16);
    packed.writeUIntBE(77, 18, 6);
    await redis.hset(keys.users(id, bucketOf(tag, campaign.buckets)), tag, packed);
    return tag;
  };
  const ann = await restored('ann', 0);
  expect(await returns.cancel(campaign, ann)).toMatchObject({ state: 'issued-as-promised', place: 0, unit: 5 });
  await redis.hset(keys.exceptions(id), ann, 'failed:x');
  expect(await returns.cancel(campaign, ann)).toMatchObject({ state: 'failed', place: 0 });
  expect(await returns.redrive(campaign, ann)).toBe('retrying');
  expect(await returns.cancel(campaign, ann)).toMatchObject({ state: 'cancelling', place: 0 });
  expect(await returns.giveBack(campaign, { tag: ann, seq: 77, unit: 5 })).toBe(true);
  expect(await redis.hget(keys.exceptions(id), ann)).toBe('cancelled:');
  expect(await redis.hget(keys.exceptions(id), '77')).toBeNull();
  const bob = await restored('bob', 2);
  await redis.hset(keys.exceptions(id), '2', 'failed:x');
  expect(await returns.cancel(campaign, bob)).toMatchObject({ state: 'failed', place: 2 });
});

test('a gate that is missing, of another epoch or broken decides nothing', async (t) => {
  const redis = testRedis(t);
  const { campaign, gate, returns } = await openGate(redis, 'broken');
  const { id } = campaign;
  await joinOf(gate, campaign, 'a');
  const tag = userTag(id, 'a');
  const everything = async () => [await redis.hgetall(keys.gate(id)), await redis.hgetall(keys.exceptions(id))];
  const before = await everything();
  const calls = (shape: typeof campaign): (() => Promise<unknown>)[] => [
    () => returns.cancel(shape, tag),
    () => returns.giveBack(shape, { tag, seq: 1, unit: 1 }),
    () => returns.redrive(shape, tag),
  ];
  for (const call of calls({ ...campaign, epoch: 2 }))
    await expect(call()).rejects.toMatchObject({ code: 'stale-epoch' });
  await redis.set(keys.free(id), 'an intruder was here');
  for (const call of calls(campaign).slice(0, 2)) await expect(call()).rejects.toMatchObject({ code: 'corrupt-state' });
  expect(await everything()).toEqual(before);
  await redis.del(keys.gate(id));
  for (const call of calls(campaign)) await expect(call()).rejects.toMatchObject({ code: 'gate-missing' });
});
