import { Command } from 'ioredis';
import { expect, test } from 'vitest';
import { keys } from '../../src/redis/keys.ts';
import { LANE_TAGS, laneOf } from '../../src/redis/lanes.ts';

const SLOTS = 16_384;
const slotOf = (key: string): number => new Command('get', [key]).getSlot() as number;
const laneSlots = LANE_TAGS.map((tag) => slotOf(`{${tag}}`));

/** How many lanes each of `primaries` has, as redis-cli spreads the slots. */
function lanesByPrimary(primaries: number): number[] {
  const counts = new Array<number>(primaries).fill(0);
  for (const slot of laneSlots) counts[Math.min(primaries - 1, Math.floor((slot * primaries) / SLOTS))]! += 1;
  return counts;
}

test('the lanes spread evenly over the primaries of a Cluster', () => {
  expect(lanesByPrimary(3).toSorted((a, b) => a - b)).toEqual([5, 5, 6]);
  expect(lanesByPrimary(4)).toEqual([4, 4, 4, 4]);
  expect(lanesByPrimary(8)).toEqual(new Array(8).fill(2));
  expect(lanesByPrimary(16)).toEqual(new Array(16).fill(1));
});

test('campaigns spread evenly over the lanes, whatever they are called', () => {
  for (const nameOf of [(n: number) => `sale-${n}`, (n: number) => `${n}`, (n: number) => `shop-${n % 100}-day-${n}`]) {
    const counts = new Array<number>(LANE_TAGS.length).fill(0);
    for (let n = 0; n < 16_000; n += 1) counts[laneOf(nameOf(n))]! += 1;
    for (const count of counts) expect(count).toBeGreaterThan(500);
  }
});

test('all keys of a campaign are in the slot of its lane, and no two campaigns share a key', () => {
  const campaign = { id: 'sale-1', shards: 2 };
  const names = [
    keys.gate,
    keys.free,
    keys.exceptions,
    keys.cancelled,
    keys.recovery,
    keys.reconciliation,
    keys.barrier,
  ]
    .map((nameOf) => nameOf(campaign.id))
    .concat(keys.works(campaign), keys.users(campaign.id, 7));
  for (const name of names) expect(slotOf(name)).toBe(laneSlots[laneOf(campaign.id)]);
  expect(new Set(names).size).toBe(names.length);
  expect(names.every((name) => name.split(':')[2] === campaign.id)).toBe(true);
});
