import { expect, test } from 'vitest';
import { readCliSettings, readConfig, rehearsalEnvironment, SETTING_NAMES } from '../../src/config/config.ts';
import { ran, sluice } from '../cli/sluice.ts';
import { problemsOf } from './problems.ts';

const NUMBERS = SETTING_NAMES.filter((name) => /PORT$|^WORKERS$|CONNECTIONS$|_MS$|_RATIO$|_SECONDS?$/.test(name));
const BLANKS = ['', ' ', '\r', '\n', '\t', ' \r\n', '\u00a0', '\ufeff'];

test('a blank value is no 0: every setting that holds one has its default', () => {
  const { childEnvironment: _, ...byDefault } = readConfig({});
  for (const blank of BLANKS) {
    const { childEnvironment: __, ...config } = readConfig(
      Object.fromEntries(SETTING_NAMES.map((name) => [name, blank])),
    );
    expect(config).toEqual(byDefault);
  }
  expect(readCliSettings({ ADMIN_PORT: '\r', ADMIN_TOKEN: ' ' })).toEqual(readCliSettings({}));
  expect(rehearsalEnvironment({ DATABASE_URL: '\r', ADMIN_TOKEN: '\r' })).toEqual(rehearsalEnvironment({}));
});

test('blanks around a value are no part of it: an .env with Windows line ends says the same', () => {
  const environment = {
    WORKERS: '3',
    PORT: '8000',
    HOST: '::1',
    DURABILITY: 'memory',
    ADMIN_TOKEN: 'a-token-for-tests-only',
    DATABASE_URL: 'mysql://u:pw@h:3306/sluice',
    TRACE_RATIO: '0.5',
  };
  const windows = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, ` ${value}\r`]));
  const { childEnvironment: _, ...config } = readConfig(windows);
  const { childEnvironment: __, ...same } = readConfig(environment);
  expect(config).toEqual(same);
});

test.for([
  'abc',
  '0x10',
  '1e3',
  '+1',
  '-1',
  '1_000',
  '1,000',
  '1 000',
  '0b11',
  '0o7',
  'NaN',
  'Infinity',
  '١',
  '１',
  '1.',
])('every number refuses %j by name, and says what it takes', (odd) => {
  expect(NUMBERS.length).toBeGreaterThan(12);
  const told = problemsOf(Object.fromEntries(NUMBERS.map((name) => [name, odd])));
  expect(told.map((line) => line.split(':')[0])).toEqual(NUMBERS);
  for (const line of told) expect(line).toMatch(/: takes a (whole )?number from \d+ to \d+, /);
});

test('a number that is plain is read, up to its bounds and no further', () => {
  expect(readConfig({ PORT: '0080' }).front.port).toBe(80);
  expect(readConfig({ PORT: '65535' }).front.port).toBe(65_535);
  expect(problemsOf({ PORT: '65536' })).toEqual(['PORT: takes a whole number from 0 to 65535, written in digits only']);
  expect(readConfig({ TRACE_RATIO: '.25' }).telemetry.traces.ratio).toBe(0.25);
  expect(problemsOf({ TRACE_RATIO: '1.01' })).toHaveLength(1);
});

test('what is wrong with one setting hides nothing that is wrong with others, nor between them', () => {
  const told = problemsOf(
    {
      SLUICE_PROFILE: 'production',
      WORKERS: 'many',
      DATABASE_URL: 'mysql://u:pw@h/',
      LOG_LEVEL: 'loud',
      WORKER_NAME: 'a b',
      DURABILITY: 'replica',
      ADMIN_TOKEN: 'a-token-for-tests-only',
      ADMIN_READ_TOKEN: 'a-token-for-tests-only',
      ADMIN_PORT: '9464',
      JWT_ISSUER: 'https://id.example/',
      GATEWAY_SECRET: 'short',
      JWT_KEYS: '{}',
    },
    {
      inProduction: ['REDIS_URL', 'DATABASE_URL', 'ADMIN_TOKEN', 'TICKET_KEYS', 'COUPON_KEY'],
      identity: true,
      listeners: true,
    },
  );
  const of = (name: string) => told.filter((line) => line.startsWith(`${name}: `));
  for (const name of ['WORKERS', 'LOG_LEVEL', 'WORKER_NAME', 'GATEWAY_SECRET', 'JWT_KEYS'])
    expect(of(name)).toHaveLength(1);
  expect(of('DATABASE_URL')).toEqual([expect.stringMatching(/has no database/)]);
  expect(of('REDIS_URL')).toEqual(['REDIS_URL: this process needs it, and it is not set']);
  expect(of('TICKET_KEYS')).toEqual(['TICKET_KEYS: this process needs it, and it is not set']);
  expect(of('DURABILITY')).toEqual([expect.stringMatching(/needs a REDIS_URL/)]);
  expect(of('ADMIN_READ_TOKEN')).toEqual([expect.stringMatching(/same value as ADMIN_TOKEN/)]);
  expect(of('ADMIN_PORT')).toEqual([expect.stringMatching(/9464 is also TELEMETRY_PORT/)]);
  expect(of('JWT_AUDIENCE')).toEqual([expect.stringMatching(/JWT_KEYS need it/)]);
  expect(of('GATEWAY_SECRET, JWT_KEYS')).toEqual([expect.stringMatching(/set only one/)]);
  expect(told).toHaveLength(14);
});

test.for<[string, string[]]>([
  ['a verb', ['campaign', 'list']],
  ['a verb that would write', ['campaign', 'create', 'sale', '--stock', '1']],
  ['doctor', ['doctor']],
])('%s refuses odd settings, all of them, with exit code 78 and no stack', async ([, words]) => {
  const { code, out, err } = await sluice(words, { ADMIN_PORT: '1e3', ADMIN_URL: 'ftp://h', ADMIN_TOKEN: 'short' });
  expect([code, out]).toEqual([78, '']);
  for (const name of ['ADMIN_PORT', 'ADMIN_URL', 'ADMIN_TOKEN'])
    expect(err).toMatch(new RegExp(`^  ${name}: takes`, 'm'));
  expect(err).not.toMatch(/^ +at /m);
});

test.for([['src/main.ts', '--no-rehearsal'], ['workers/main.ts'], ['src/rehearsal/main.ts', '--buyers', '1e3']])(
  '%s tells odd settings with exit code 78',
  async (command) => {
    const wrong = { DATABASE_URL: 'h', ADMIN_TOKEN: 'short', PATH: process.env.PATH };
    const { code, out, err } = await ran(process.execPath, command, wrong);
    expect([code, out]).toEqual([78, '']);
    for (const name of ['DATABASE_URL', 'ADMIN_TOKEN']) expect(err).toMatch(new RegExp(`^ +(- )?${name}: takes`, 'm'));
    if (command.includes('1e3')) expect(err).toMatch(/--buyers must be a whole number/);
    expect(err).not.toMatch(/^ +at /m);
  },
);
