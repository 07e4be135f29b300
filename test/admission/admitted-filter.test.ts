import { expect, test } from 'vitest';
import { createAdmittedFilter } from '../../src/admission/admitted-filter.ts';
import { userTag } from '../../src/domain/ids.ts';

const tag = (i: number): string => userTag('sale', `user-${i}`);

test.for([0, 1, 100, 50_000])(
  'a filter for %i users knows each of them, and takes few strangers for one',
  (capacity) => {
    const filter = createAdmittedFilter(capacity);
    for (let i = 0; i < capacity; i += 1) filter.add(tag(i));
    for (let i = 0; i < capacity; i += 1) expect(filter.mayHave(tag(i))).toBe(true);
    let mistaken = 0;
    for (let i = 0; i < 50_000; i += 1) if (filter.mayHave(tag(1_000_000 + i))) mistaken += 1;
    expect(mistaken / 50_000).toBeLessThan(0.02);
  },
);

test('a filter that holds more than it was made for asks more often, and still forgets nobody', () => {
  const filter = createAdmittedFilter(2_000);
  for (let i = 0; i < 4_000; i += 1) filter.add(tag(i));
  for (let i = 0; i < 4_000; i += 1) expect(filter.mayHave(tag(i))).toBe(true);
  let mistaken = 0;
  for (let i = 0; i < 10_000; i += 1) if (filter.mayHave(tag(1_000_000 + i))) mistaken += 1;
  expect(mistaken / 10_000).toBeLessThan(0.2);
});

test('a stranger without a bit of its own is told apart in an empty filter', () => {
  const filter = createAdmittedFilter(10);
  expect(filter.mayHave(tag(1))).toBe(false);
  filter.add(tag(1));
  expect([filter.mayHave(tag(1)), filter.mayHave(tag(2))]).toEqual([true, false]);
});

test('a filter that grew, in one step or in many, forgets nobody and takes few strangers for admitted', () => {
  for (const step of [100, 19_900]) {
    const filter = createAdmittedFilter(100);
    for (let i = 0; i < 100; i += 1) filter.add(tag(i));
    for (let capacity = 100 + step; capacity <= 20_000; capacity += step) filter.grow(capacity);
    // As when everybody is read from the gate: who was in before is added again.
    for (let i = 0; i < 20_000; i += 1) filter.add(tag(i));
    for (let i = 0; i < 20_000; i += 1) expect(filter.mayHave(tag(i))).toBe(true);
    let mistaken = 0;
    for (let i = 0; i < 50_000; i += 1) if (filter.mayHave(tag(1_000_000 + i))) mistaken += 1;
    expect(mistaken / 50_000).toBeLessThan(0.03);
  }
});

test('the strangers whom one process takes for admitted are not those of another', () => {
  const mistaken = Array.from({ length: 2 }, () => {
    const filter = createAdmittedFilter(1_000);
    for (let i = 0; i < 1_000; i += 1) filter.add(tag(i));
    return new Set(Array.from({ length: 50_000 }, (_, i) => tag(1_000_000 + i)).filter((one) => filter.mayHave(one)));
  });
  const both = mistaken[0]!.intersection(mistaken[1]!);
  expect(mistaken[0]!.size).toBeGreaterThan(100);
  expect(both.size).toBeLessThan(mistaken[0]!.size / 4);
});
