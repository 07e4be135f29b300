import { expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { autoRedriveAt } from '../../src/domain/auto-redrive.ts';
import { problemsOf } from './problems.ts';

test('policies are off unless they are set, and are read with their units', () => {
  expect(readConfig({}).workers.autoRedrive).toEqual([]);
  expect(readConfig({ AUTO_REDRIVE: 'rejected:300:3, stalled:5:1' }).workers.autoRedrive).toEqual([
    { reason: 'rejected', afterMs: 300_000, redrivesMax: 3 },
    { reason: 'stalled', afterMs: 5_000, redrivesMax: 1 },
  ]);
});

test.for([
  'rejected',
  'rejected:0:3',
  'rejected:300:0',
  'rejected:300:11',
  'rejected:90000:1',
  'a:1:1,a:2:2',
  'A:1:1',
  ',',
])('AUTO_REDRIVE=%s is a problem', (text) => {
  expect(problemsOf({ AUTO_REDRIVE: text })).toEqual([
    expect.stringMatching(/^AUTO_REDRIVE: takes reason:seconds:times/),
  ]);
});

test('a letter is due once, counted from the time it was kept last, and never one of another state', () => {
  const policies = [{ reason: 'rejected', afterMs: 1_000, redrivesMax: 2 }];
  const letter = { state: 'kept', reason: 'rejected', keptAt: 5_000, redriveCount: 1 };
  expect(autoRedriveAt(policies, letter)).toBe(6_000);
  for (const other of [{ state: 'redriving' }, { reason: 'stalled' }, { keptAt: null }, { redriveCount: 2 }])
    expect(autoRedriveAt(policies, { ...letter, ...other })).toBeUndefined();
  expect(autoRedriveAt([], letter)).toBeUndefined();
});
