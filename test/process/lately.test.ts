import { expect, test } from 'vitest';
import { lately } from '../../src/process/lately.ts';

test('questions together and shortly after each other are one read; a read that failed is not kept', async () => {
  let now = 0;
  let reads = 0;
  let broken = false;
  const ask = lately(
    1_000,
    async () => {
      reads += 1;
      if (broken) throw new Error('away');
      return reads;
    },
    () => now,
  );
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
  now = 999;
  expect(await ask()).toBe(1);
  now = 1_000;
  broken = true;
  const failed = await Promise.allSettled([ask(), ask()]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  broken = false;
  expect(await ask()).toBe(3);
});
