import { expect, test } from 'vitest';
import { p50AndP99, percentile } from '../../src/rehearsal/percentiles.ts';

test('a percentile is the value at its nearest rank, in whatever order the values come', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile(hundred, 1)).toBe(100);
  expect(percentile([7], 0.01)).toBe(7);
  expect(percentile([9, 10, 2], 0.5)).toBe(9);
});

test('of nothing there is no percentile', () => {
  expect(p50AndP99([])).toEqual({ p50: undefined, p99: undefined });
});

test('percentiles are shown to a tenth', () => {
  expect(p50AndP99([1.26, 1.26, 3.04])).toEqual({ p50: 1.3, p99: 3 });
});
