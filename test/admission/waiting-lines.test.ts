// What a reading of the gate changes for those that wait, and when places have moved.
import { expect, test } from 'vitest';
import type { CampaignMemory } from '../../src/admission/campaign-memory.ts';
import { createLines, takeLines } from '../../src/admission/waiting-lines.ts';

const memoryOf = (view: object, ...cancelled: string[]): CampaignMemory =>
  ({
    view: { epoch: 1, seq: 100, watermarks: [10, 10], acked: [12, 12], ...view },
    cancelled: new Set(cancelled),
    cancelledCount: cancelled.length,
  }) as unknown as CampaignMemory;

test('a ticket given back in the middle of the line is a change that moves no place, one at its head moves all', () => {
  const lines = createLines();
  expect(takeLines(lines, memoryOf({}))).toBe('other-gate');
  const before = lines.placesVersion;
  expect(takeLines(lines, memoryOf({}, 'in the middle'))).toBe('cancelled');
  expect(takeLines(lines, memoryOf({ acked: [13, 12] }, 'in the middle'))).toBe('progress');
  expect(lines.placesVersion).toBe(before);
  expect(takeLines(lines, memoryOf({ watermarks: [11, 10] }, 'in the middle', 'at the head'))).toBe('cancelled');
  expect(lines.placesVersion).toBe(before + 1);
  expect(takeLines(lines, memoryOf({ watermarks: [12, 10] }, 'in the middle', 'at the head'))).toBe('progress');
  expect(lines.placesVersion).toBe(before + 2);
});

test('a gate that was rebuilt moves places, also where its numbers are the same', () => {
  const lines = createLines();
  takeLines(lines, memoryOf({}));
  const before = lines.placesVersion;
  expect(takeLines(lines, memoryOf({ epoch: 2 }))).toBe('other-gate');
  expect(lines.placesVersion).toBe(before + 1);
  expect(takeLines(lines, undefined)).toBe('other-gate');
  expect(takeLines(lines, undefined)).toBe('none');
});
