// Which streams hear of another place in a look: fewer on a busy event loop, and no campaign keeps them from another.
import { expect, test } from 'vitest';
import { createPlacesBudget, lookInTurn, type PlaceTurn, placesToTell } from '../../src/admission/place-turns.ts';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';

test('a busy event loop tells fewer places, and never none', () => {
  const { placesToldMax: most, placesToldMin: fewest, placesCalmShare: calm, placesBusyShare: busy } = limits;
  expect([0, calm / 2, calm].map(placesToTell)).toEqual([most, most, most]);
  expect(placesToTell((calm + busy) / 2)).toBe((most + fewest) / 2);
  expect([busy, 0.99, 1].map(placesToTell)).toEqual([fewest, fewest, fewest]);
});

test('how busy this event loop is decides', async () => {
  const budget = createPlacesBudget();
  const startedAt = performance.now();
  while (performance.now() - startedAt < 50);
  expect(budget()).toBe(limits.placesToldMin);
  await until('a look after which the loop was idle', 30_000, () => budget() === limits.placesToldMax);
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
