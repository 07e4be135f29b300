import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/config.ts';

const [A, B, C] = ['aa', 'bb', 'cc'].map((byte) => byte.repeat(32)) as [string, string, string];
const keysOf = (text: string) => readConfig({ TICKET_KEYS: text }).ticketKeys!;

test('a single key signs everything', () => {
  expect(keysOf(`7:${A}`)).toEqual({ current: 7, keys: new Map([[7, Buffer.from(A, 'hex')]]), successors: [] });
});

test('the order of a list means nothing: the times do', () => {
  const successors = [
    { id: 3, fromMs: Date.parse('2027-01-01T00:00:00Z') },
    { id: 2, fromMs: Date.parse('2026-12-01T00:00:00Z') },
  ];
  const parts = [`1:${A}`, `2:${B}@2026-12-01T00:00:00Z`, `3:${C}@2027-01-01T01:00:00+01:00`];
  expect(keysOf(parts.join(','))).toMatchObject({ current: 1, successors });
  expect(keysOf(parts.toReversed().join(','))).toMatchObject({ current: 1, successors });
});

test.for<[string, string, RegExp]>([
  ['two keys without a time', `2:${B},1:${A}`, /exactly one key without a time, the oldest, and has 2/],
  ['no key without a time', `2:${B}@2026-12-01T00:00:00Z`, /exactly one key without a time, the oldest, and has 0/],
  [
    'two keys from one time',
    `1:${A},2:${B}@2026-12-01T00:00:00Z,3:${C}@2026-12-01T01:00:00+01:00`,
    /two keys that sign from the same time/,
  ],
  ['one id twice', `1:${A},1:${B}@2026-12-01T00:00:00Z`, /two keys with the same id/],
  ['one id twice, spelt otherwise', `1:${A},001:${B}@2026-12-01T00:00:00Z`, /two keys with the same id/],
  ['an id beyond a byte', `256:${A}`, /ids from 0 to 255/],
  ['a day that never comes', `1:${A},2:${B}@2026-02-30T00:00:00Z`, /takes times as/],
  ['a time without a zone', `1:${A},2:${B}@2026-12-01T00:00:00`, /takes times as/],
  ['a time in words', `1:${A},2:${B}@tomorrow`, /takes times as/],
  ['a short key', `1:${A.slice(2)}`, /takes id:64-hex-digits/],
  ['an empty part', `1:${A},`, /takes id:64-hex-digits/],
  ['a key without an id', A, /takes id:64-hex-digits/],
])('%s is refused, and no key is told', ([, text, problem]) => {
  const read = () => readConfig({ TICKET_KEYS: text });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(problem);
  expect(read).not.toThrow(/[abc]{8}/);
});
