// What Lua and TypeScript both know, held together: numbers, the packed place, the arithmetic of shards.
import fc from 'fast-check';
import { expect, type TestContext, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { DECISION_KINDS } from '../../src/domain/decision.ts';
import { EPOCH_MAX } from '../../src/domain/epochs.ts';
import { bucketOf } from '../../src/domain/ids.ts';
import { packPlace, unpackPlace } from '../../src/domain/place.ts';
import { SEQ_MAX, seqsBetween } from '../../src/domain/shard.ts';
import { createReturns } from '../../src/gate/redis/returns.ts';
import { limits } from '../../src/process/limits.ts';
import { keys, RELAY } from '../../src/redis/keys.ts';
import { loadPreludes } from '../../src/redis/preludes.ts';
import { loadScript, parseScript, runScript } from '../../src/redis/scripts.ts';
import { testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { joinOf, sold } from './sold.ts';

/** The number that a fragment gives this constant. */
const constant = (fragment: string, name: string): number =>
  Number(
    loadPreludes()
      .get(fragment)!
      .source.match(new RegExp(`^local ${name} = (\\d+)`, 'm'))![1],
  );

/** What a script answers that uses `fragment` and has this body. */
function lua(t: TestContext, fragment: string, body: string, args: readonly (string | number | Buffer)[]) {
  const header = `#!lua flags=no-writes\n-- uses: ${fragment}\n-- KEYS: none\n-- ARGV: none\n-- RETURNS: the answer\n`;
  return runScript(testRedis(t), parseScript('probe', `${header}${body}\n`), [keys.gate(uniqueName('twins'))], args);
}

test('the numbers of the fragments are those of the domain and the limits', () => {
  expect(constant('told', 'TOLD_MAX')).toBe(limits.cancelledTagsToldMax);
});

test('the relay has the name that scripts know, and no worker may have it', () => {
  const [, name] = /^local RELAY = '(.+?)'/m.exec(loadPreludes().get('group')!.source)!;
  expect(name).toBe(RELAY);
  expect(() => readConfig({ WORKER_NAME: RELAY })).toThrow('WORKER_NAME');
});

test('the decisions of admit.lua are numbered as TypeScript reads them', () => {
  const header = loadScript('admit').text.match(/^-- decision ([\s\S]*?)^-- epoch/m)![1]!;
  const told = [...header.matchAll(/(\d) ([a-z-]+)/g)].map(([, number, kind]) => [Number(number), kind]);
  expect(told).toEqual(DECISION_KINDS.map((kind, index) => [index, kind]));
});

const uint32 = fc.nat({ max: 2 ** 32 - 1 });
const seqs = fc.oneof(
  fc.nat({ max: 10 }),
  fc.maxSafeNat().map((n) => n % (SEQ_MAX + 1)),
  fc.constant(SEQ_MAX),
);
const places = fc.record({
  seq: seqs,
  unit: uint32,
  admittedAt: fc.nat({ max: 2 ** 31 - 1 }).map((n) => n * 1_000 + 999),
  ticket: fc.record({ epoch: fc.oneof(fc.nat({ max: EPOCH_MAX }), fc.constant(EPOCH_MAX)), seq: seqs, unit: uint32 }),
});

test('a place is packed and read by Lua as by TypeScript', async (t) => {
  await fc.assert(
    fc.asyncProperty(places, async (place) => {
      const { seq, unit, admittedAt, ticket } = place;
      const packed = packPlace(place);
      const pack = `local n = {} for i = 1, 6 do n[i] = tonumber(ARGV[i]) end
        local packed = pack_bytes(PLACE, n[1], n[2], n[3]) .. pack_bytes(SIGNED, n[4], n[5], n[6])
        return (string.gsub(packed, '.', function(byte) return string.format('%02x', string.byte(byte)) end))`;
      const numbers = [seq, unit, admittedAt, ticket.epoch, ticket.seq, ticket.unit];
      expect(await lua(t, 'place', pack, numbers)).toBe(packed.toString('hex'));
      const unpack = `local a, b, c = unpack_place(ARGV[1])
        local d, e, f = unpack_bytes(SIGNED, ARGV[1], PLACE_BYTES + 1) return {a, b, c, d, e, f}`;
      expect(await lua(t, 'place', unpack, [packed])).toEqual(numbers);
      const short = packed.subarray(0, 16);
      const unpackShort = 'local a, b, c = unpack_place(ARGV[1]) return {a, b, c}';
      expect(await lua(t, 'place', unpackShort, [short])).toEqual(numbers.slice(0, 3));
      expect(unpackPlace(packed)).toEqual({ seq, unit, admittedAt, ticket });
      expect(unpackPlace(short)).toEqual({ seq, unit, admittedAt });
    }),
    { numRuns: 50 },
  );
});

test('seqs of a shard are counted by Lua as by TypeScript', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: limits.shardsMax }), fc.nat(), seqs, async (shards, any, seq) => {
      const shard = any % shards;
      const count =
        'return string.format("%.0f", seqs_of_shard(tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])))';
      const told = await lua(t, 'shard', count, [shard, shards, seq]);
      expect(Number(told)).toBe(seqsBetween(shard, shards, 0, seq + 1));
    }),
    { numRuns: 100 },
  );
});

test('a place of a length that no gate writes is refused by everything that reads it, and nothing is written', async (t) => {
  const { redis, campaign, gate } = await sold(t, 'length');
  const { tag } = joinOf(campaign.id, 'a');
  await redis.hset(keys.users(campaign.id, bucketOf(tag, campaign.buckets)), tag, Buffer.alloc(20, 1));
  const before = await redis.hgetall(keys.gate(campaign.id));
  const returns = createReturns(redis);
  const ticket = { campaign: campaign.id, tag, seq: 1, unit: 1, epoch: 1, admittedAt: 1 };
  const asked = {
    admit: () => gate.admit(campaign, [joinOf(campaign.id, 'a')], 0),
    outcome: () => gate.outcome(campaign, tag),
    readmit: () => gate.readmit(campaign, 'a', ticket),
    resolve: () => gate.resolve(campaign, tag, { status: 'issued-renumbered', unit: 1 }),
    cancel: () => returns.cancel(campaign, tag),
    giveBack: () => returns.giveBack(campaign, { tag, seq: 1, unit: null }),
    redrive: () => returns.redrive(campaign, tag),
  };
  for (const [name, ask] of Object.entries(asked)) {
    // One call after the other: a rejection that is not awaited yet fails the run.
    await expect(ask(), name).rejects.toMatchObject({ code: 'corrupt-state', retryable: false });
  }
  expect(await redis.hgetall(keys.gate(campaign.id))).toEqual(before);
});
