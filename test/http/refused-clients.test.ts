// What the front remembers of clients that joined too often.
import { expect, test } from 'vitest';
import { createJoinLimits } from '../../src/http/public/client-limits.ts';
import { limits } from '../../src/process/limits.ts';

const WINDOW_MS = limits.clientWindowSeconds * 1_000;

/** A limit of two joins a second, whose count over all fronts is `waitMs` until a client may come again. */
function place() {
  let now = 1_000;
  let waitMs = 0;
  let askedCount = 0;
  const { user: limit } = createJoinLimits({
    joinsPerSecond: 2,
    joinsPerAddressPerSecond: 0,
    openCount: () => async () => {
      askedCount += 1;
      return waitMs;
    },
    now: () => now,
  });
  const greet = (client: string, count: number) => {
    for (let i = 0; i < count; i += 1) expect(limit.refuse(client)).toBeUndefined();
  };
  return {
    limit,
    greet,
    answer: (ms: number) => (waitMs = ms),
    pass: (ms: number) => (now += ms),
    askedCount: () => askedCount,
  };
}

const HALF = limits.clientWindowSeconds;

test('a client that was found to ask too often is refused in the same turn, unasked, until its time is over', async () => {
  const { limit, greet, answer, pass, askedCount } = place();
  greet('ann', HALF);
  answer(4_000);
  expect(await limit.refuse('ann')).toBe(4_000);
  expect([limit.refuse('ann'), askedCount()]).toEqual([4_000, 1]);
  pass(1_500);
  expect([limit.refuse('ann'), askedCount()]).toEqual([2_500, 1]);
  // Another client is its own.
  greet('bob', HALF);
  answer(0);
  expect(await limit.refuse('bob')).toBe(0);
  expect(await limit.refuse('bob')).toBe(0);
  expect(askedCount()).toBe(3);
  pass(2_500);
  expect(await limit.refuse('ann')).toBe(0);
  expect(askedCount()).toBe(4);
  pass(WINDOW_MS);
  greet('ann', HALF);
});
