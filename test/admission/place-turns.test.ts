// Which streams hear of another place in a look: fewer from a busy front, and no campaign keeps them from another.
import { expect, test } from 'vitest';
import { createPlacesBudget, lookInTurn, type PlaceTurn, placesToTell } from '../../src/admission/place-turns.ts';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';

test('a busy front tells fewer places, and never none', () => {
  const { placesToldMax: most, placesToldMin: fewest, placesCalmShare: calm, placesBusyShare: busy } = limits;
  expect([0, calm / 2, calm].map(placesToTell)).toEqual([most, most, most]);
  expect(placesToTell((calm + busy) / 2)).toBe((most + fewest) / 2);
  expect([busy, 0.99, 1].map(placesToTell)).toEqual([fewest, fewest, fewest]);
});

test('how busy this process is decides', async () => {
  const budget = createPlacesBudget();
  const startedAt = performance.now();
  while (performance.now() - startedAt < limits.viewReadMs);
  expect(budget()).toBe(limits.placesToldMin);
  await until('a look after which the process was idle', 30_000, () => budget() === limits.placesToldMax);
});

test('a look right after another one tells no place', async () => {
  const budget = createPlacesBudget();
  expect(budget()).toBe(0);
  await until('a look that may tell places', () => budget() > 0);
  expect(budget()).toBe(0);
});

/** Campaigns of which each wants to tell so many places in every look: what each of them told in each look. */
function toldBy(wanted: Record<string, number>, looks: number, placesMax: number): Record<string, number>[] {
  const groups = new Map(Object.keys(wanted).map((campaign) => [campaign, { campaign }]));
  return Array.from({ length: looks }, (_, now) => {
    const turn: PlaceTurn = { now, placesLeft: placesMax };
    const told: Record<string, number> = {};
    lookInTurn(groups, turn, ({ campaign }) => {
      const count = Math.min(wanted[campaign]!, turn.placesLeft);
      turn.placesLeft -= count;
      told[campaign] = count;
    });
    expect(Object.keys(told).toSorted()).toEqual(Object.keys(wanted).toSorted());
    return told;
  });
}

test('campaigns that want to tell more places than a look may take turns', () => {
  const looks = toldBy({ one: 1_000, other: 1_000, third: 1_000 }, 6, 50);
  expect(looks.map((told) => Object.entries(told).find(([, count]) => count > 0))).toEqual(
    ['one', 'other', 'third', 'one', 'other', 'third'].map((campaign) => [campaign, 50]),
  );
});

test('a campaign in which one buyer waits tells the place beside one with thousands, from the second look on', () => {
  const looks = toldBy({ crowd: 10_000, quiet: 1 }, 5, 50);
  expect(looks.map(({ quiet }) => quiet)).toEqual([0, 1, 1, 1, 1]);
  expect(looks.map(({ crowd }) => crowd)).toEqual([50, 49, 49, 49, 49]);
});

test('a look that may tell no place puts no campaign last', () => {
  expect(toldBy({ one: 1_000, other: 1_000 }, 3, 0)).toEqual(Array(3).fill({ one: 0, other: 0 }));
  const groups = new Map(['one', 'other'].map((campaign) => [campaign, { campaign }]));
  lookInTurn(groups, { now: 0, placesLeft: 0 }, () => undefined);
  expect([...groups.keys()]).toEqual(['one', 'other']);
});
