import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Census } from '../../src/recovery/census.ts';

const claim = (unit: number, seq = unit) => ({ unit, epoch: 1, seq, admittedAt: 1_000 + seq });
const failed = { status: 'failed', reason: 'rejected' } as const;

test('a committed row is right before a dead letter, a dead letter before a retry, a retry before an entry', () => {
  const census = new Census(10);
  for (const [index, tag] of ['row', 'letter', 'retry', 'entry'].entries()) {
    census.survivor(tag, { ...claim(index + 1), place: index + 1, shard: 0 });
  }
  census.inOtherHands('letter', { ...claim(2), outcome: failed });
  census.inOtherHands('letter', { ...claim(2), outcome: { status: 'retrying' } });
  census.inOtherHands('retry', { ...claim(3), outcome: { status: 'retrying' } });
  census.inOtherHands('row', { ...claim(1), outcome: { status: 'retrying' } });
  census.issued('row', claim(1));
  const { exceptional, surviving, superseded } = census.close();
  expect([...exceptional].map(([tag, { outcome }]) => [tag, outcome.status])).toEqual([
    ['letter', 'failed'],
    ['retry', 'retrying'],
  ]);
  expect([...surviving.keys()]).toEqual(['entry']);
  expect(superseded.map(({ place }) => place).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  expect(census.freeUnits()).toEqual([]);
});

test('a cancelled ticket leaves its unit free, a failed one keeps it', () => {
  const census = new Census(5);
  census.inOtherHands('gave-back', { ...claim(2), outcome: { status: 'cancelled' } });
  census.inOtherHands('failed', { ...claim(3), outcome: failed });
  census.issued('holder', claim(4));
  census.close();
  expect([census.nextUnit, census.freeUnits()]).toEqual([4, [1, 2]]);
});

test('whoever knows of a ticket: units up to the highest are held once or free, never both and never beyond the stock', () => {
  const known = fc.record({
    user: fc.integer({ min: 0, max: 12 }),
    unit: fc.integer({ min: 0, max: 25 }),
    by: fc.constantFrom('entry', 'letter', 'retry', 'row'),
  });
  fc.assert(
    fc.property(fc.array(known, { maxLength: 40 }), (facts) => {
      const census = new Census(20);
      const rows = new Map<number, number>();
      for (const { user, unit, by } of facts) {
        if (by === 'entry') census.survivor(`u${user}`, { ...claim(unit), place: unit, shard: 0 });
        if (by === 'letter') census.inOtherHands(`u${user}`, { ...claim(unit), outcome: failed });
        if (by === 'retry') census.inOtherHands(`u${user}`, { ...claim(unit), outcome: { status: 'retrying' } });
        if (by === 'row' && !rows.has(user)) rows.set(user, unit);
      }
      for (const [user, unit] of rows) census.issued(`u${user}`, claim(unit));
      const { exceptional, surviving } = census.close();
      const users = [...[...rows.keys()].map((user) => `u${user}`), ...exceptional.keys(), ...surviving.keys()];
      expect(new Set(users).size).toBe(users.length);
      const held = new Set([
        ...rows.values(),
        ...[...exceptional.values(), ...surviving.values()].map(({ unit }) => unit),
      ]);
      const free = census.freeUnits();
      expect(census.nextUnit).toBeLessThanOrEqual(20);
      expect(free.filter((unit) => held.has(unit) || unit < 1 || unit > census.nextUnit)).toEqual([]);
      for (let unit = 1; unit <= census.nextUnit; unit += 1) expect(held.has(unit) !== free.includes(unit)).toBe(true);
    }),
  );
});
