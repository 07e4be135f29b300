import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aheadOf, backlogOf, type GateView, placeOf } from '../../src/domain/gate-view.ts';
import { entryIdOf, seqOf, seqsBetween, shardOf } from '../../src/domain/shard.ts';

const viewOf = (given: Partial<GateView>) => ({ seq: 0, shards: 1, watermarks: [], acked: [], ...given }) as GateView;

test('counting the seqs of a shard by arithmetic is counting them one by one', () => {
  const seq = fc.integer({ min: 0, max: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), seq, seq, (shards, after, before) => {
      for (let shard = 0; shard < shards; shard += 1) {
        let counted = 0;
        for (let s = after + 1; s < before; s += 1) if (shardOf(s, shards) === shard) counted += 1;
        expect(seqsBetween(shard, shards, after, before)).toBe(counted);
      }
    }),
    { numRuns: 500 },
  );
});

test('the entry ID of a seq gives the seq back', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (seq) => seqOf(entryIdOf(seq)) === seq));
});

const situation = fc.integer({ min: 1, max: 8 }).chain((shards) =>
  fc.record({
    shards: fc.constant(shards),
    watermarks: fc.array(fc.integer({ min: 0, max: 200 }), { minLength: shards, maxLength: shards }),
    seq: fc.integer({ min: 1, max: 250 }),
  }),
);

test('how many are ahead is how many earlier tickets are not settled', () => {
  fc.assert(
    fc.property(situation, ({ shards, watermarks, seq }) => {
      let counted = 0;
      for (let s = 1; s < seq; s += 1) if (s > watermarks[shardOf(s, shards)]!) counted += 1;
      expect(aheadOf(viewOf({ shards, watermarks }), seq)).toBe(counted);
    }),
    { numRuns: 500 },
  );
});

test('nobody is ahead of the first, and a gate that was never worked on has everybody ahead', () => {
  expect(aheadOf(viewOf({ shards: 4, watermarks: [0, 0, 0, 0] }), 1)).toBe(0);
  expect(aheadOf(viewOf({ shards: 4, watermarks: [0, 0, 0, 0] }), 1_000)).toBe(999);
});

test('a ticket waits exactly while memory is sure that nobody works on it', () => {
  fc.assert(
    fc.property(situation, fc.nat(50), fc.nat(250), ({ shards, watermarks, seq }, ackedAhead, last) => {
      const acked = watermarks.map((watermark) => watermark + ackedAhead);
      const shard = shardOf(seq, shards);
      const expected =
        seq <= watermarks[shard]! ? 'settled' : seq <= acked[shard]! || seq > last ? 'worked-on' : 'waiting';
      expect(placeOf(viewOf({ shards, watermarks, acked, seq: last }), seq)).toBe(expected);
    }),
  );
});

test('the backlog is what was admitted and not settled', () => {
  expect(backlogOf(viewOf({ seq: 10, settledCount: 4 }))).toBe(6);
});
