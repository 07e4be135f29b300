import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OPTIONS } from '../../src/cli/options.ts';
import { readConfig } from '../../src/config/config.ts';
import { parseInstant } from '../../src/domain/instant.ts';
import { changeBody } from '../../src/http/admin/schemas.ts';

const KEYS = ['aa', 'bb'].map((byte) => byte.repeat(32));

/** The epoch ms that each reader makes of a time; undefined where it refuses it. */
const readers = (text: string) => ({
  cli: epochOf(OPTIONS['opens-at'].read(text)),
  api: changeBody.safeParse({ opensAt: text }).success ? parseInstant(text) : undefined,
  settings: fromOfKey(text),
});

const epochOf = (given: unknown) => (typeof given === 'string' ? new Date(given).getTime() : undefined);

function fromOfKey(text: string): number | undefined {
  try {
    const { ticketKeys } = readConfig({ TICKET_KEYS: `1:${KEYS[0]},2:${KEYS[1]}@${text}` });
    return ticketKeys?.successors?.[0]?.fromMs;
  } catch {
    return undefined;
  }
}

test.for([
  '2027-02-29T00:00:00Z',
  '2026-02-30T12:00:00+09:00',
  '2026-04-31T00:00:00Z',
  '2100-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-10T00:00:00Z',
  '2026-12-00T00:00:00Z',
  '2026-12-24T24:00:00Z',
  '2026-12-24T23:60:00Z',
  '2026-12-24T23:59:60Z',
  '2026-12-24T18:00:00+24:00',
  '2026-12-24T18:00:00',
  '2026-12-24T18:00Z',
  '2026-12-24 18:00:00Z',
  '2026-12-24',
  '2026-12-24T18:00:00z',
  'tomorrow',
])('no reader moves %s to another time: command line, API and settings refuse it', (text) => {
  expect(readers(text)).toEqual({ cli: undefined, api: undefined, settings: undefined });
});

test.for([
  ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
  ['2026-12-31T23:59:59.999Z', Date.UTC(2026, 11, 31, 23, 59, 59, 999)],
  ['2026-12-24T18:00:00+09:00', Date.UTC(2026, 11, 24, 9)],
  ['2026-03-01T00:30:00+01:00', Date.UTC(2026, 1, 28, 23, 30)],
] as const)('every reader takes %s for the same moment', ([text, ms]) => {
  expect(readers(text)).toEqual({ cli: ms, api: ms, settings: ms });
});

test('the three readers never disagree about a time', () => {
  const two = (max: number) => fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, '0'));
  const year = fc.integer({ min: 1969, max: 9_999 }).map(String);
  const zone = fc.oneof(
    fc.constantFrom('Z', '', 'z', '+0900'),
    fc.tuple(fc.constantFrom('+', '-'), two(25), two(61)).map(([sign, hours, minutes]) => `${sign}${hours}:${minutes}`),
  );
  const seconds = fc.oneof(
    fc.constant(''),
    two(61).map((value) => `:${value}`),
    two(59).map((value) => `:${value}.25`),
  );
  const time = fc
    .tuple(year, two(13), two(32), two(25), two(61), seconds, zone)
    .map(([y, month, day, hour, minute, second, offset]) => `${y}-${month}-${day}T${hour}:${minute}${second}${offset}`);

  fc.assert(
    fc.property(time, (text) => {
      const { cli, api, settings } = readers(text);
      expect([text, api, settings]).toEqual([text, cli, cli]);
    }),
    { numRuns: 2_000 },
  );
});
