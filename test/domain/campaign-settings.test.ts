import { expect, test } from 'vitest';
import { type CampaignPatch, newSettings, patched } from '../../src/domain/campaign.ts';
import { CHANGEABLE, FIXED, FOLLOWED, mapSettings, ofKind, SETTINGS } from '../../src/domain/campaign-settings.ts';
import { limits } from '../../src/process/limits.ts';

const names = SETTINGS.map(({ name }) => name);

test.for(['name', 'column', 'gateField', 'option'] as const)('no two settings have the same %s', (key) => {
  expect(new Set(SETTINGS.map((setting) => setting[key])).size).toBe(SETTINGS.length);
});

test('the default of a count lies within its limits', () => {
  for (const { name, min, max, ...row } of ofKind('integer')) {
    expect(min, name).toBeLessThanOrEqual(limits[max]);
    if (!('default' in row)) continue;
    expect(row.default, name).toBeGreaterThanOrEqual(min);
    expect(row.default, name).toBeLessThanOrEqual(limits[max]);
  }
});

test('each setting goes to the function of its kind, and what that gives is under the name asked for', () => {
  const made = mapSettings(SETTINGS, 'column', {
    name: ({ name }) => `a name: ${name}`,
    instant: ({ name }) => `a time: ${name}`,
    integer: ({ name }) => `a count: ${name}`,
  });
  expect(Object.keys(made)).toEqual(SETTINGS.map(({ column }) => column));
  expect(made).toMatchObject({ name: 'a name: name', opens_at: 'a time: opensAt', backlog_max: 'a count: backlogMax' });
});

test('a setting is changed, or given at creation alone, or it is the stock; a gate follows all but the shards', () => {
  const parts = [...CHANGEABLE, ...FIXED].map(({ name }) => name);
  expect([...parts, 'stock'].toSorted()).toEqual(names.toSorted());
  expect([...FOLLOWED.map(({ name }) => name), 'shards'].toSorted()).toEqual(names.toSorted());
});

test('a new campaign has its id as name, one second of its rate as burst, and the defaults of the table', () => {
  const free = { opensAt: null, closesAt: null, ratePerSecond: 0, backlogMax: 0, shards: 8 };
  expect(newSettings({ id: 'a', stock: 5 })).toMatchObject({ ...free, name: 'a', stock: 5, burst: 1 });
  expect(newSettings({ id: 'a', stock: 5, ratePerSecond: 7, name: '' })).toMatchObject({ name: '', burst: 7 });
  expect(newSettings({ id: 'a', stock: 5, ratePerSecond: 7, burst: 2, shards: 1 })).toMatchObject({
    burst: 2,
    shards: 1,
  });
  expect(Object.keys(newSettings({ id: 'a', stock: 5 }))).toEqual(names);
});

test('a patch changes what it gives: null takes a time away, 0 a limit, undefined nothing, and stock and shards stay', () => {
  const campaign = { ...newSettings({ id: 'a', stock: 5, opensAt: 1, closesAt: 2, backlogMax: 3 }), version: 1 };
  expect(patched(campaign, {})).toEqual(campaign);
  const patch = { opensAt: null, closesAt: undefined, backlogMax: 0, name: 'b', stock: 9, shards: 9 };
  expect(patched(campaign, patch satisfies CampaignPatch)).toEqual({
    ...campaign,
    opensAt: null,
    backlogMax: 0,
    name: 'b',
  });
});
