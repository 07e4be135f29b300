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
