import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDrainRate, pollAfterMs } from '../../src/domain/drain-rate.ts';

const UNKNOWN = { known: false, p50Ms: null, p90Ms: null };

/** A rate that has seen `ratesPerSecond`, a second each, with ten readings in it. */
function after(ratesPerSecond: number[], backlog = 1_000) {
  const drain = createDrainRate();
  let settled = 0;
  let now = 1_000;
  drain.record(settled, backlog, now);
  for (const rate of ratesPerSecond) {
    for (let reading = 0; reading < 10; reading += 1) {
      now += 100;
      settled += rate / 10;
      drain.record(settled, backlog, now);
    }
  }
  return drain;
}

test('before the first second with work in it nothing is known', () => {
  const drain = createDrainRate();
  expect([drain.perSecond(), drain.eta(5)]).toEqual([undefined, UNKNOWN]);
  drain.record(0, 10, 0);
  drain.record(100, 10, 900);
  expect(drain.eta(5)).toEqual(UNKNOWN);
  drain.record(110, 10, 1_000);
  expect(drain.perSecond()).toBe(110);
});

test('a steady drain says when it will be your turn', () => {
  const drain = after([500, 500, 500]);
  expect(drain.perSecond()).toBe(500);
  expect(drain.eta(1_000)).toEqual({ known: true, p50Ms: 2_000, p90Ms: 2_000 });
});

test('one slow second moves the cautious figure, not the typical one', () => {
  const eta = after([500, 500, 50, 500, 500, 500, 500, 500, 500, 500, 500]).eta(1_000);
  expect(eta.p50Ms).toBe(2_000);
  expect(after([...Array(8).fill(500), 50, 50]).eta(1_000)).toEqual({ known: true, p50Ms: 2_000, p90Ms: 20_000 });
});

test('seconds without work say nothing about the speed of working', () => {
  expect(after([0, 0, 0], 0).perSecond()).toBeUndefined();
});

test('an outage becomes an unknown time, and what was before the last 30 windows is forgotten', () => {
  expect(after([500, 0, 0]).eta(10)).toEqual(UNKNOWN);
  expect(after([...Array(30).fill(9), ...Array(30).fill(500)]).perSecond()).toBe(500);
});

test('a clock that steps back starts a new window and breaks nothing', () => {
  const drain = after([500]);
  drain.record(600, 1_000, 500);
  drain.record(1_100, 1_000, 1_500);
  expect(drain.perSecond()).toBe(500);
});

test('the cautious time is never before the typical one, and later places never come sooner', () => {
  const rates = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(rates, fc.nat(10_000), fc.nat(10_000), (seen, a, b) => {
      const drain = after(seen);
      const [near, far] = [drain.eta(Math.min(a, b)), drain.eta(Math.max(a, b))];
      expect(near.known).toBe(far.known);
      if (!near.known) return;
      expect(near.p90Ms!).toBeGreaterThanOrEqual(near.p50Ms!);
      expect(far.p50Ms!).toBeGreaterThanOrEqual(near.p50Ms!);
    }),
  );
});

test('the poll hint is a quarter of the wait within its bounds, spread by a fifth', () => {
  const eta = fc.oneof(
    fc.constant(UNKNOWN),
    fc.nat(1_000_000).map((p50Ms) => ({ known: true, p50Ms, p90Ms: p50Ms })),
  );
  fc.assert(
    fc.property(eta, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (given, random) => {
      const hint = pollAfterMs(given, 1_000, 10_000, () => random);
      const base = given.known ? Math.min(10_000, Math.max(1_000, given.p50Ms! / 4)) : 2_000;
      expect(hint).toBeGreaterThanOrEqual(Math.floor(base * 0.8));
      expect(hint).toBeLessThanOrEqual(Math.ceil(base * 1.2));
    }),
  );
});
