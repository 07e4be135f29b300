// When an arrival is due: the inverse of the area under the stages.
import type { Arrivals } from './shape.ts';

/**
 * Second after the start at which arrival `n` (0 for the first) is due: when the area under the rate has reached n.
 * Infinity beyond the last.
 */
export function dueSecond({ fromPerSecond, stages }: Arrivals, n: number): number {
  let from = fromPerSecond;
  let startSecond = 0;
  let left = n;
  for (const { toPerSecond, seconds } of stages) {
    const area = ((from + toPerSecond) / 2) * seconds;
    if (left < area) return startSecond + secondWithin({ from, to: toPerSecond, seconds }, left);
    left -= area;
    startSecond += seconds;
    from = toPerSecond;
  }
  return Number.POSITIVE_INFINITY;
}

/** Solves from · t + slope · t² / 2 = area for t, in the form that does not divide by a slope of 0. */
function secondWithin({ from, to, seconds }: { from: number; to: number; seconds: number }, area: number): number {
  if (area === 0) return 0;
  const slope = (to - from) / seconds;
  return (2 * area) / (from + Math.sqrt(Math.max(0, from * from + 2 * slope * area)));
}
