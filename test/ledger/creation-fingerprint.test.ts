import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { newSettings } from '../../src/domain/campaign.ts';
import { mapSettings, SETTINGS } from '../../src/domain/campaign-settings.ts';
import { fingerprintOf } from '../../src/ledger/creation-fingerprint.ts';

const spec = { id: 'a', stock: 5, opensAt: 7, ratePerSecond: 3, shards: 2 };
const created = { ...newSettings(spec), buckets: 16, state: 'active', version: 1, epoch: 1 };

test('a creation has the fingerprint that the first release wrote into the ledger', () => {
  const text =
    '{"name":"a","stock":5,"opensAt":7,"closesAt":null,"ratePerSecond":3,"burst":3,"backlogMax":0,"shards":2,"buckets":16,"state":"active","version":1,"epoch":1}';
  expect(fingerprintOf(created)).toBe(hash('sha256', text, 'hex'));
  expect(fingerprintOf(Object.fromEntries(Object.entries(created).reverse()))).toBe(fingerprintOf(created));
});

test('every setting makes another campaign', () => {
  const other = mapSettings(SETTINGS, 'name', { name: () => 'b', instant: () => 99, integer: () => 99 });
  const changed = SETTINGS.map(({ name }) => fingerprintOf({ ...created, [name]: other[name] }));
  expect(new Set([fingerprintOf(created), ...changed]).size).toBe(SETTINGS.length + 1);
});

test('a campaign that was created before a setting existed is found again with its default, not with another value', () => {
  const known = [{ name: 'newer', default: 0 }, ...SETTINGS, { name: 'newest', default: null }];
  const asked = { newer: 0, ...created, newest: null };
  expect(fingerprintOf(asked, known)).toBe(fingerprintOf(created));
  const others = [{ newer: 5 }, { newest: 5 }, { newest: 5, newer: 5 }];
  const prints = others.map((other) => fingerprintOf({ ...asked, ...other }, known));
  expect(new Set([...prints, fingerprintOf(created)]).size).toBe(4);
});
