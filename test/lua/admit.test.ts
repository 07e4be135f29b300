import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DECISION_KINDS, type Decision } from '../../src/domain/decision.ts';
import { userTag } from '../../src/domain/ids.ts';
import { shardOf } from '../../src/domain/shard.ts';
import { admitCall, createGate, readAdmitReply } from '../../src/gate/redis/gate.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { loadScript, parseScript, runScript } from '../../src/redis/scripts.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { GateModel } from './gate-model.ts';
import { joinOf, sold } from './sold.ts';

const admit = loadScript('admit');
const START_US = 1_800_000_000_000_000;

/** The same script, with the server's clock standing at `nowUs`. */
function admitAt(nowUs: number) {
  const clock = `{'${Math.floor(nowUs / 1_000_000)}', '${nowUs % 1_000_000}'}`;
  const text = admit.text.replace("call('TIME')", clock);
  expect(text).not.toBe(admit.text);
  return parseScript('admit', text);
}

type Step =
  | { do: 'join'; users: number[]; late: boolean }
  | { do: 'restock'; add: number }
  | { do: 'set'; state: 'active' | 'paused' | 'closed' }
  | { do: 'tune'; rate: number; burst: number; backlogMax: number }
  | { do: 'settle'; count: number }
  | { do: 'return' }
  | { do: 'clock'; stepUs: number };

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      users: fc.array(fc.nat(30), { minLength: 1, maxLength: 12 }),
      late: fc.boolean().map((late) => late && Math.random() < 0.2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restock' as const), add: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      state: fc.constantFrom('active' as const, 'active' as const, 'paused' as const, 'closed' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('tune' as const),
      rate: fc.constantFrom(0, 1, 3, 1_000),
      burst: fc.integer({ min: 1, max: 6 }),
      backlogMax: fc.constantFrom(0, 0, 4),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('return' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      stepUs: fc.oneof(fc.integer({ min: 1, max: 3_000_000 }), fc.constantFrom(-3_600_000_000, 10_800_000_000, -1)),
    }),
  },
);

test('decides as the plain model does, over random joins, restocks, pauses, returns and clock steps', async (t) => {
  const redis = testRedis(t);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), fc.boolean(), async (steps: Step[], windowed) => {
      const id = uniqueName('model');
      const window = windowed
        ? { opensAt: START_US / 1_000 + 500, closesAt: START_US / 1_000 + 60_000 }
        : { opensAt: 0, closesAt: 0 };
      const settings = { stock: 8, rate: 0, burst: 3, backlogMax: 0, ...window };
      let nowUs = START_US;
      const model = new GateModel(settings, nowUs);
      let version = 1;
      const project = () =>
        createGate(redis).project(
          campaignOf(id, {
            ...model.settings,
            ratePerSecond: model.settings.rate,
            state: model.state,
            version: version++,
          }),
          true,
        );
      await project();
      await redis.hset(keys.gate(id), 'bucket_at', nowUs);
      for (const next of steps) {
        if (next.do === 'join') {
          const users = next.users.map((user) => `user-${user}`);
          const deadline = next.late ? Math.floor(nowUs / 1_000) - 1 : 0;
          const { keys: names, args } = admitCall(
            campaignOf(id),
            users.map((user) => joinOf(id, user)),
            deadline,
          );
          const reply = readAdmitReply((await runScript(redis, admitAt(nowUs), names, args)) as number[], users.length);
          expect(reply.decisions.map(plain)).toEqual(model.join(users, nowUs, deadline));
          expect(reply.seq).toBe(model.seq);
          expect(reply.remaining).toBe(model.remaining);
        } else if (next.do === 'restock') {
          model.settings.stock += next.add;
          await project();
        } else if (next.do === 'set') {
          if (model.state !== 'closed') model.state = next.state;
          await project();
        } else if (next.do === 'tune') {
          Object.assign(model.settings, { rate: next.rate, burst: next.burst, backlogMax: next.backlogMax });
          await project();
        } else if (next.do === 'settle') {
          const count = Math.min(next.count, model.seq - model.settled);
          model.settled += count;
          await redis.hincrby(keys.gate(id), 'settled', count);
        } else if (next.do === 'return') {
          const [user, held] = [...model.holders][0] ?? [];
          if (user !== undefined && held !== undefined) {
            // As a cancellation will: the user is forgotten, the unit is free again.
            model.holders.delete(user);
            model.free = [...model.free, held.unit].sort((a, b) => a - b);
            const { keys: names } = admitCall(campaignOf(id), [joinOf(id, user)], 0);
            await redis.hdel(names.at(-1)!, userTag(id, user));
            await redis.zadd(keys.free(id), held.unit, held.unit);
          }
        } else nowUs += next.stepUs;
      }
      await expectStreams(redis, id, model);
    }),
    { numRuns: 250 },
  );
});

const plain = (decision: Decision) => ({
  kind: decision.kind,
  seq: 'seq' in decision ? decision.seq : 0,
  unit: 'unit' in decision ? decision.unit : 0,
  admittedAt: 'admittedAt' in decision ? decision.admittedAt : 0,
});

/** Each admission has one entry, on its shard, in order. */
async function expectStreams(redis: RedisClient, id: string, model: GateModel): Promise<void> {
  const seqs: number[] = [];
  for (let shard = 0; shard < 3; shard += 1) {
    for (const [entryId] of await redis.xrange(keys.work(id, shard), '-', '+')) {
      const seq = Number(entryId.split('-')[0]);
      expect(shardOf(seq, 3)).toBe(shard);
      seqs.push(seq);
    }
  }
  expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: model.seq }, (_, index) => index + 1));
}

test('the decisions of the script and of the program have the same order', () => {
  const lines = admit.source.match(/^-- decision {2}(.+)\n-- {11}(.+)$/m)!.slice(1);
  const words = lines.join(' ').match(/\d+ [a-z-]+/g)!;
  expect(words.map((word) => word.replace(/^\d+ /, ''))).toEqual([...DECISION_KINDS]);
});

test('a clock that was set back by an hour does not close the sale for an hour', async (t) => {
  const { redis, campaign, gate } = await sold(t, 'clock');
  const inAnHour = Math.round((Date.now() + 3_600_000) * 1_000);
  await redis.hset(keys.gate(campaign.id), 'bucket_level', 0, 'bucket_at', inAnHour);
  const batch = Array.from({ length: 60 }, (_, index) => joinOf(campaign.id, `late-${index}`));
  const { decisions } = await gate.admit(campaign, batch, 0);
  // Filled once, to its burst of 50, and not more.
  expect(decisions.filter(({ kind }) => kind === 'admitted')).toHaveLength(50);
});

test('a gate that is missing or of another epoch decides nothing', async (t) => {
  const { redis, campaign, gate } = await sold(t, 'epoch');
  await expect(gate.admit({ ...campaign, epoch: 2 }, [joinOf(campaign.id, 'x')], 0)).rejects.toMatchObject({
    code: 'stale-epoch',
  });
  await redis.del(keys.gate(campaign.id));
  await expect(gate.admit(campaign, [joinOf(campaign.id, 'x')], 0)).rejects.toMatchObject({ code: 'gate-missing' });
  expect(await gate.project({ ...campaign, version: 9 }, false)).toBe('missing');
});

test('Redis forgetting its scripts in the middle of a sale shows nowhere', async (t) => {
  const { redis, campaign, gate } = await sold(t, 'noscript');
  for (let round = 0; round < 20; round += 1) {
    await redis.script('FLUSH');
    const { decisions } = await gate.admit(campaign, [joinOf(campaign.id, `n${round}`)], 0);
    expect(decisions[0]!.kind).toBe('admitted');
  }
});

test('a batch of 128 joins makes as many commands with 100,000 tickets as with 1,000', async (t) => {
  const redis = testRedis(t, (await startRedis(t)).url);
  const gate = createGate(redis);
  const commandsOf = async (tickets: number) => {
    const campaign = campaignOf(uniqueName('cost'), { stock: 200_000, shards: 8, buckets: Math.ceil(200_000 / 90) });
    await gate.project(campaign, true);
    let user = 0;
    const batch = () => Array.from({ length: 128 }, () => joinOf(campaign.id, `user-${user++}`));
    while (user < tickets) await gate.admit(campaign, batch(), 0);
    const joins = batch();
    await redis.config('RESETSTAT');
    await gate.admit(campaign, joins, 0);
    const told = await redis.info('commandstats');
    return Object.fromEntries(
      [...told.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)].map(([, name, calls]) => [name, calls]),
    );
  };
  // Time and CPU with a million of them are a figure of the benchmark.
  expect(await commandsOf(100_000)).toEqual(await commandsOf(1_000));
});
