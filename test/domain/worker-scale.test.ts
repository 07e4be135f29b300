import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decideScale,
  type ScaleReading,
  type ScaleRules,
  type ScaleState,
  workersWithin,
} from '../../src/domain/worker-scale.ts';

const RULES: ScaleRules = {
  min: 1,
  max: 8,
  tickets: 1_000,
  waitMs: 5_000,
  calmMs: 60_000,
  settleMs: 10_000,
  connectionsEach: 8,
  connectionsSpare: 40,
};
const ROOM = { open: 20, max: 500 };

const reading = (ticketCount: number, oldestWaitMs = 0, connections: ScaleReading['connections'] = ROOM) => ({
  waiting: { ticketCount, campaignCount: 1, oldestWaitMs },
  connections,
});

/** Changed long ago. */
const state = (workers: number, rest: Partial<ScaleState> = {}): ScaleState => ({
  workers,
  changedAt: -100_000,
  calmFrom: undefined,
  ...rest,
});

test.for<[string, ScaleState, ScaleReading | undefined, number, string, Partial<ScaleRules>?]>([
  ['nothing waits', state(1), reading(0), 1, 'enough'],
  ['as many tickets as a worker is there for', state(1), reading(1_000), 1, 'enough'],
  ['one ticket more', state(1), reading(1_001), 2, 'tickets'],
  ['a crowd: twice as many at once', state(2), reading(50_000), 4, 'tickets'],
  ['a crowd, and only a few more are needed', state(4), reading(4_500), 5, 'tickets'],
  ['a crowd, and no more than WORKERS_MAX', state(5), reading(50_000), 8, 'tickets'],
  ['a crowd at WORKERS_MAX', state(8), reading(50_000), 8, 'held'],
  ['a few tickets that wait too long', state(2), reading(5, 5_001), 3, 'wait'],
  ['the same right after a change', state(2, { changedAt: -9_999 }), reading(5, 5_001), 2, 'held'],
  ['many tickets right after a change', state(2, { changedAt: -1 }), reading(2_001), 3, 'tickets'],
  ['a long wait at WORKERS_MAX', state(8), reading(5, 60_000), 8, 'held'],
  ['a wait without a ticket is none', state(1), reading(0, 60_000), 1, 'enough'],
  ['what waits is not known', state(3), undefined, 3, 'held'],
  ['the connections are not known', state(3), { ...reading(50_000), connections: undefined }, 3, 'held'],
  ['the database has room for one more', state(2), reading(50_000, 0, { open: 40, max: 64 }), 3, 'tickets'],
  ['the database has no room', state(3), reading(50_000, 0, { open: 40, max: 64 }), 3, 'held'],
  ['others have opened more than is left to them', state(2), reading(9_000, 0, { open: 70, max: 71 }), 2, 'held'],
  ['max_connections was lowered', state(6), reading(50_000, 0, { open: 60, max: 64 }), 3, 'connections'],
  [
    'none is left to workers: one stays',
    state(4),
    reading(9, 0, { open: 60, max: 64 }),
    1,
    'connections',
    { connectionsSpare: 60 },
  ],
  ['fewer than WORKERS_MIN', state(1), reading(0), 3, 'least', { min: 3 }],
  [
    'fewer than WORKERS_MIN, and the database has room for two',
    state(1),
    reading(0, 0, { open: 20, max: 56 }),
    2,
    'least',
    { min: 3 },
  ],
  ['calm from now on', state(3), reading(1_000), 3, 'enough'],
  ['calm for less than it takes', state(3, { calmFrom: -59_999 }), reading(1_000), 3, 'enough'],
  ['calm for long enough', state(3, { calmFrom: -60_000 }), reading(1_000), 2, 'calm'],
  ['too many for one worker fewer', state(3, { calmFrom: -60_000 }), reading(1_001), 3, 'enough'],
  ['few tickets, and a wait that is half too long', state(3, { calmFrom: -60_000 }), reading(9, 2_501), 3, 'enough'],
  ['calm at WORKERS_MIN', state(1, { calmFrom: -60_000 }), reading(0), 1, 'enough'],
])('%s', ([, from, read, workers, reason, rules = {}]) => {
  expect(decideScale({ ...RULES, ...rules }, from, read, 0)).toMatchObject({ workers, reason });
});

test('calm is counted from its first look, and again after every change and every look that was none', () => {
  const first = decideScale(RULES, state(3), reading(0), 0);
  expect(first).toMatchObject({ workers: 3, calmFrom: 0 });
  const second = decideScale(RULES, first, reading(0), 59_999);
  expect(second).toMatchObject({ workers: 3, calmFrom: 0 });
  expect(decideScale(RULES, second, reading(0), 60_000)).toMatchObject({
    workers: 2,
    changedAt: 60_000,
    calmFrom: undefined,
  });
  expect(decideScale(RULES, second, undefined, 60_000).calmFrom).toBeUndefined();
  expect(decideScale(RULES, second, reading(1_500), 60_000).calmFrom).toBeUndefined();
});

test.for([
  [{ open: 20, max: 151 }, 1, 13],
  [{ open: 48, max: 151 }, 1, 13],
  [{ open: 100, max: 151 }, 1, 7],
  [{ open: 8, max: 40 }, 1, 0],
  [{ open: 200, max: 151 }, 0, 0],
] as const)('of %o with %i running there may be %i', ([use, running, expected]) => {
  expect(workersWithin(use, running, RULES)).toBe(expected);
});

test('whatever is read, there are never more than the database allows or WORKERS_MAX, and one is always left', () => {
  const steps = fc.array(
    fc.option(
      fc.record({
        ticketCount: fc.nat(100_000),
        oldestWaitMs: fc.nat(100_000),
        open: fc.nat(200),
        max: fc.nat(200),
        ms: fc.nat(100_000),
      }),
    ),
    { maxLength: 50 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), steps, (begin, all) => {
      let now = 0;
      let at = state(begin);
      for (const step of all) {
        now += step?.ms ?? 1_000;
        const read = step === null ? undefined : reading(step.ticketCount, step.oldestWaitMs, step);
        const next = decideScale(RULES, at, read, now);
        const most = step === null ? at.workers : Math.max(1, workersWithin(step, at.workers, RULES));
        expect(next.workers).toBeGreaterThanOrEqual(1);
        expect(next.workers).toBeLessThanOrEqual(Math.min(8, most));
        expect(next.workers).toBeLessThanOrEqual(Math.max(1, 2 * at.workers));
        at = next;
      }
    }),
  );
});

test('a backlog that stays the same starts and stops no worker in turns', () => {
  for (let ticketCount = 0; ticketCount <= 9_000; ticketCount += 250) {
    let at = state(1);
    const counts: number[] = [];
    for (let now = 0; now < 3_600_000; now += 10_000) {
      at = decideScale(RULES, at, reading(ticketCount), now);
      counts.push(at.workers);
    }
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  }
});
