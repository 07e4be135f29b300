import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { createCampaignLabels } from '../../src/telemetry/campaign-labels.ts';

const ids = (count: number, name: string) => Array.from({ length: count }, (_, n) => `${name}-${n}`);

test('with a list of campaigns no other one is a label, however busy', () => {
  const labels = createCampaignLabels(['spring', 'autumn']);
  expect(['spring', 'winter', 'autumn', 'other'].map(labels.of)).toEqual(['spring', 'other', 'autumn', 'other']);
  for (let n = 0; n < 100; n += 1) labels.of('winter');
  expect(labels.named()).toEqual(['spring', 'autumn']);
});

test('without a list the first campaigns are labels at once, and a busier one takes the place of a quiet one', () => {
  let now = 0;
  const removed: string[] = [];
  const labels = createCampaignLabels(undefined, () => now);
  labels.onRemoved((id) => removed.push(id));
  const first = ids(limits.labelledCampaignsMax, 'first');
  expect(first.map(labels.of)).toEqual(first);
  for (const id of first.slice(1)) for (let n = 0; n < 5; n += 1) labels.of(id);
  for (let n = 0; n < 4; n += 1) expect(labels.of('busy')).toBe('other');
  expect(labels.of('quiet')).toBe('other');
  now += limits.labelledCampaignsMs;
  expect(labels.of('busy')).toBe('busy');
  expect(removed).toEqual(['first-0']);
  expect(labels.of('first-0')).toBe('other');
  expect(labels.named()).toHaveLength(limits.labelledCampaignsMax);
});

test('ten thousand campaigns are never more labels than the limit, and cost no more memory than the candidates', () => {
  let now = 0;
  const labels = createCampaignLabels(undefined, () => now);
  const used = new Set<string>();
  for (const id of ids(10_000, 'sale')) {
    now += 10;
    used.add(labels.of(id));
    expect(labels.named().length).toBeLessThanOrEqual(limits.labelledCampaignsMax);
  }
  expect(used.has('other')).toBe(true);
});
