import { expect, test } from 'vitest';
import { createPauses, seededChance } from '../../src/rehearsal/time.ts';

test('stopping ends every sleep, those under way and those to come', async () => {
  const pauses = createPauses();
  const sleeping = [pauses.sleep(60_000), pauses.sleep(60_000)];
  pauses.stop();
  await Promise.all([...sleeping, pauses.sleep(60_000)]);
  expect(pauses.stopped).toBe(true);
});

test('the same seed draws the same numbers, another seed draws others, all of [0, 1)', () => {
  const draw = (seed: string) => Array.from({ length: 1000 }, seededChance(seed));
  expect(draw('a')).toEqual(draw('a'));
  expect(draw('a')).not.toEqual(draw('b'));
  expect(draw('a').every((number) => number >= 0 && number < 1)).toBe(true);
  expect(draw('a').filter((number) => number < 0.2).length / 1000).toBeCloseTo(0.2, 1);
});
