// The columns of a campaign's waits: which of them a look touches.
import { expect, test } from 'vitest';
import type { CampaignMemory } from '../../src/admission/campaign-memory.ts';
import type { HeldTicket } from '../../src/admission/held-tickets.ts';
import {
  addWait,
  createWaitingGroup,
  due,
  expect as expectWait,
  type Grouped,
  nextDue,
  passed,
  removeWait,
  untold,
} from '../../src/admission/waiting-group.ts';
import { chanceOf, oneOf } from '../faults/chance.ts';

interface Named extends Grouped {
  name: string;
}

const EPOCH = 3;

/** Waits named by the places of their tickets, in an epoch whose every shard is done up to `doneSeq`. */
function groupOf(seqs: number[], doneSeq = 0) {
  const group = createWaitingGroup<Named>('campaign');
  group.lines.epoch = EPOCH;
  group.lines.watermarks = [doneSeq, 0];
  for (const seq of seqs) {
    const wait: Named = { name: `${seq}`, row: -1, held: { ticket: { tag: `tag-${seq}` } } as HeldTicket };
    addWait(group, wait, 1_000 + seq);
    expectWait(group, wait, { standing: { epoch: EPOCH, seq, shard: seq % 2 }, placeFrom: 100 });
  }
  return group;
}

const names = (waits: Iterable<Named>): string[] => [...waits].map(({ name }) => name).toSorted();

const memoryWith = (...cancelled: string[]): CampaignMemory => ({ cancelled: new Set(cancelled) }) as CampaignMemory;

test('progress touches the waits that the work has come to, and no other', () => {
  expect(names(passed(groupOf([1, 2, 3, 40], 2), memoryWith(), 'progress'))).toEqual(['1', '2']);
});

test('a wait whose place is not known is touched by every change', () => {
  const group = groupOf([5, 6]);
  expectWait(group, group.waits[0]!, { standing: { epoch: EPOCH - 1, seq: 900, shard: 0 }, placeFrom: 100 });
  expect(names(passed(group, memoryWith(), 'progress'))).toEqual(['5']);
});

test('a cancellation touches the waits of its ticket', () => {
  const memory = memoryWith('tag-40');
  expect(names(passed(groupOf([1, 40]), memory, 'cancelled'))).toEqual(['40']);
  expect(names(passed(groupOf([1, 40]), memory, 'progress'))).toEqual([]);
});

test('a cancellation touches the waits of its ticket where far more were given back than wait here', () => {
  const others = Array.from({ length: 1_000 }, (_, n) => `elsewhere-${n}`);
  expect(names(passed(groupOf([1, 40]), memoryWith(...others, 'tag-40'), 'cancelled'))).toEqual(['40']);
  expect(names(passed(groupOf([1, 40]), memoryWith(...others), 'cancelled'))).toEqual([]);
});

test('waits that leave in whatever order take their own numbers with them', () => {
  const seqs = Array.from({ length: 200 }, (_, n) => n + 1);
  const group = groupOf(seqs);
  const left = new Set(seqs);
  const hashes = new Map(group.waits.map(({ name, row }) => [name, group.tagHashes[row]]));
  expect(new Set(hashes.values()).size).toBe(seqs.length);
  const chance = chanceOf('whoever leaves');
  while (left.size > 0) {
    const wait = oneOf(chance, group.waits);
    removeWait(group, wait);
    left.delete(Number(wait.name));
    for (const [row, { name, row: own }] of group.waits.entries()) {
      expect([own, group.seqs[row], group.tagHashes[row]]).toEqual([row, Number(name), hashes.get(name)]);
    }
    expect(group.waits.length).toBe(left.size);
  }
  expect([group.dueAt, group.placeFrom, group.placeVersions, group.seqs, group.tagHashes].flat()).toEqual([]);
});

test('a wait that ends while all that are due are looked at hides no other', () => {
  const group = groupOf([1, 2, 3, 4, 5]);
  const seen: string[] = [];
  for (const wait of due(group, 0)) {
    seen.push(wait.name);
    removeWait(group, wait);
  }
  expect(seen.toSorted()).toEqual(['1', '2', '3', '4', '5']);
});

test('places are told in turn, each once for what is known, and none before its time', () => {
  const group = groupOf([1, 2, 3, 4, 5]);
  expect([...untold(group, 99)]).toEqual([]);
  const take = (count: number) => [...untold(group, 100).take(count)].map(({ name }) => name);
  expect([take(2), take(2), take(2), take(2)]).toEqual([['1', '2'], ['3', '4'], ['5'], []]);
  group.lines.placesVersion += 1;
  expect(take(9).toSorted()).toEqual(['1', '2', '3', '4', '5']);
});

test('a group rests until something is due or a place may be told', () => {
  const group = groupOf([1, 2]);
  group.dueAt[0] = 5_000;
  group.dueAt[1] = 4_000;
  expect(nextDue(group)).toBe(100);
  expect([...untold(group, 100)].length).toBe(2);
  expect(nextDue(group)).toBe(4_000);
});
