// The shapes are data that two generators read: what they say must fit together before either sends anything.
import { expect, test } from 'vitest';
import { dueSecond } from '../../k6/shapes/due.ts';
import { follows } from '../../k6/shapes/habits.ts';
import { countOf, peakOf, scaled, secondsOf, unitsOf } from '../../k6/shapes/scaled.ts';
import { type Arrivals, FIGURES, type Shape } from '../../k6/shapes/shape.ts';
import { SHAPES, shapeOf, WEEKLY } from '../../k6/shapes/shapes.ts';

const ARRIVALS_MAX = 200_000;
const SECONDS_MAX = 600;
/** What following a ticket by polls takes at least: the hint near the front, and a little. */
const FOLLOW_SECONDS = 1.3;

const each = SHAPES.map((shape): [string, Shape] => [shape.name, shape]);
const countAll = ({ arrivals }: Shape) => arrivals.reduce((sum, one) => sum + countOf(one), 0);

test('the shapes have the names of the reports and of the other questions', () => {
  expect(SHAPES.map(({ name }) => name)).toEqual([
    'smoke',
    'stress',
    'peak',
    'steps',
    'spike',
    'all-apis',
    'reopen',
    'soak',
    'sold-out',
    'poll-storm',
    'browser-crowd',
  ]);
  expect(WEEKLY.map(shapeOf)).not.toContain(undefined);
  expect(shapeOf('none')).toBeUndefined();
});

test.for(each)('%s is bounded in time and count, and its numbers fit together', ([, shape]) => {
  expect(countAll(shape)).toBeGreaterThan(0);
  expect(countAll(shape)).toBeLessThanOrEqual(ARRIVALS_MAX);
  for (const { stages } of shape.arrivals) {
    expect(secondsOf(stages)).toBeLessThanOrEqual(SECONDS_MAX);
    for (const { toPerSecond, seconds } of stages) expect(Math.min(toPerSecond, seconds)).toBeGreaterThanOrEqual(0);
  }
  // Buyers are numbered in each of the arrivals: two kinds that make buyers would give them the same ids.
  expect(shape.arrivals.filter(({ act }) => act !== 'poll')).toHaveLength(1);
  expect(shape.arrivals.some(({ act }) => act === 'poll')).toBe(shape.joinedBefore > 0);
  expect(shape.operator.map(({ atSecond }) => atSecond)).toEqual(
    shape.operator.map(({ atSecond }) => atSecond).toSorted((a, b) => a - b),
  );
  for (const figure of Object.keys(shape.bars)) expect(Object.keys(FIGURES)).toContain(figure);
});

test.for(each)('in %s every buyer finds room while those before still follow their tickets', ([, shape]) => {
  for (const arrivals of shape.arrivals.filter(({ act }) => act === 'join')) {
    const room = peakOf(arrivals) * shape.followShare * (shape.followBy === 'poll' ? FOLLOW_SECONDS : 0.2);
    expect(Math.min(room, unitsOf(shape))).toBeLessThan(arrivals.inFlightMax);
  }
});

test.for(each)('in %s a buyer is refused only where the shape says so', ([, shape]) => {
  const buyers = shape.arrivals.filter(({ act }) => act !== 'poll').reduce((sum, one) => sum + countOf(one), 0);
  const hasEnough = unitsOf(shape) >= buyers + shape.joinedBefore;
  expect(shape.answers.join.includes(409)).toBe(!hasEnough);
  // "unsold" is a bar only where enough buyers come.
  if ('unsold' in shape.bars) expect(buyers + shape.joinedBefore).toBeGreaterThanOrEqual(unitsOf(shape));
});

test('arrivals are due when the area under the rate has reached their number', () => {
  const arrivals: Arrivals = {
    act: 'join',
    fromPerSecond: 0,
    stages: [
      { toPerSecond: 10, seconds: 2 },
      { toPerSecond: 10, seconds: 1 },
      { toPerSecond: 40, seconds: 0 },
      { toPerSecond: 0, seconds: 1 },
    ],
    inFlightMax: 1,
  };
  expect(countOf(arrivals)).toBe(40);
  expect([0, 10, 15, 20].map((n) => dueSecond(arrivals, n))).toEqual([0, 2, 2.5, 3]);
  // 40·t − 20·t² = 15 at t = 0.5.
  expect(dueSecond(arrivals, 35)).toBeCloseTo(3.5);
  expect(dueSecond(arrivals, 40)).toBe(Number.POSITIVE_INFINITY);
});

test.for(each)('the arrivals of %s are due one after another, all of them before its end', ([, shape]) => {
  for (const arrivals of shape.arrivals) {
    let before = 0;
    for (let n = 0; n < countOf(arrivals); n += 7) {
      const second = dueSecond(arrivals, n);
      expect(second).toBeGreaterThanOrEqual(before);
      expect(second).toBeLessThanOrEqual(secondsOf(arrivals.stages));
      before = second;
    }
  }
});

test('a smaller and shorter shape has fewer buyers and units by the same share', () => {
  const peak = shapeOf('peak')!;
  const small = scaled(peak, { scale: 0.1, length: 0.5 });
  expect([countAll(small), small.stock, small.arrivals[0]!.inFlightMax]).toEqual([1_500, 1_500, 50]);
  const reopen = scaled(shapeOf('reopen')!, { scale: 0.1, length: 0.5 });
  expect([unitsOf(reopen), countAll(reopen)]).toEqual([25, 100]);
  expect(reopen.operator.map(({ atSecond }) => atSecond)).toEqual([2.5, 5, 7.5, 12.5]);
  expect(scaled(peak, { scale: 1, length: 1 })).toBe(peak);
});

test.for([0, 0.02, 0.5, 1])('a share of %d of the buyers follows the ticket', (followShare) => {
  const followers = Array.from({ length: 10_000 }, (_, n) => n).filter((n) => follows({ followShare }, n));
  expect(followers.length / 10_000).toBeCloseTo(followShare, 2);
});
