import { expect, test } from 'vitest';
import { readCliSettings, readConfig } from '../../src/config/config.ts';
import { problemsOf } from './problems.ts';

const clashes = (environment: Record<string, string>) => problemsOf(environment, { listeners: true });

test.for<[string, Record<string, string>, RegExp]>([
  ['ADMIN_PORT is TELEMETRY_PORT', { ADMIN_PORT: '9464' }, /^ADMIN_PORT: 9464 is also TELEMETRY_PORT:/],
  ['PORT is ADMIN_PORT', { PORT: '8081' }, /^PORT: 8081 is also ADMIN_PORT:/],
  ['PORT is TELEMETRY_PORT', { PORT: '9464' }, /^PORT: 9464 is also TELEMETRY_PORT:/],
  ["PORT is a worker's", { PORT: '9467', WORKERS: '3' }, /^PORT: 9467 is also TELEMETRY_PORT \+ 3, of worker 3:/],
  ["ADMIN_PORT is a worker's", { ADMIN_PORT: '9465' }, /^ADMIN_PORT: 9465 is also TELEMETRY_PORT \+ 1, of worker 1:/],
  ['one port of every address and of one', { PORT: '8081', HOST: '0.0.0.0' }, /^PORT: 8081 is also ADMIN_PORT/],
  ['one port of every IPv6 address', { PORT: '8081', HOST: '::' }, /^PORT: 8081 is also ADMIN_PORT/],
  [
    'workers beyond the last port',
    { TELEMETRY_PORT: '65534', WORKERS: '4' },
    /^TELEMETRY_PORT: .*65538; set it to 65531/,
  ],
])('%s: told as a contradiction of settings, before anything listens', ([, environment, problem]) => {
  expect(clashes(environment)).toEqual([expect.stringMatching(problem)]);
});

test('one port on two addresses, or free ones, contradict nothing; nor does what does not listen', () => {
  expect(clashes({})).toEqual([]);
  expect(clashes({ PORT: '0', ADMIN_PORT: '0', TELEMETRY_PORT: '0', WORKERS: '32' })).toEqual([]);
  expect(clashes({ ADMIN_PORT: '9464', TELEMETRY: 'off' })).toEqual([]);
  expect(clashes({ ADMIN_PORT: '8080', ADMIN_HOST: '127.0.0.2' })).toEqual([]);
  expect(clashes({ ADMIN_PORT: '8080', ADMIN_HOST: '::1', HOST: '0.0.0.0' })).toEqual([]);
  expect(clashes({ PORT: '9465', WORKERS: '0' })).toEqual([]);
  // A worker alone has none of them, and may share the settings of a front.
  expect(problemsOf({ PORT: '9464' })).toEqual([]);
});

test.for([
  ['[::1]', '::1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['::', '::'],
  ['[2001:DB8::1]', '2001:db8::1'],
  ['127.0.0.1', '127.0.0.1'],
  ['localhost', 'localhost'],
  ['front-1.internal', 'front-1.internal'],
] as const)('a HOST of %s is %s, for every listener', ([text, host]) => {
  const { front, admin, telemetry } = readConfig({ HOST: text, ADMIN_HOST: text, TELEMETRY_HOST: text });
  expect([front.host, admin.host, telemetry.host]).toEqual([host, host, host]);
});

test.for([
  '127.0.0.1:8080',
  '[::1]:8080',
  'http://127.0.0.1',
  '256.0.0.1',
  '127.0.0.1.2',
  '[::1',
  ':::1',
  'a b',
  '*',
  '[]',
])('a HOST of %j is refused by name, for every listener', (text) => {
  const told = problemsOf({ HOST: text, ADMIN_HOST: text, TELEMETRY_HOST: text });
  expect(told.map((line) => line.split(': ', 1)[0])).toEqual(['HOST', 'ADMIN_HOST', 'TELEMETRY_HOST']);
  for (const line of told) expect(line).toMatch(/takes an address or a name without a port/);
});

test.for([
  ['::1', 'http://[::1]:8081'],
  ['[::1]', 'http://[::1]:8081'],
  ['::', 'http://[::1]:8081'],
  ['0.0.0.0', 'http://127.0.0.1:8081'],
  ['10.1.2.3', 'http://10.1.2.3:8081'],
] as const)('with ADMIN_HOST %s the command line asks %s', ([ADMIN_HOST, url]) => {
  expect(readCliSettings({ ADMIN_HOST }).adminUrl).toBe(url);
  expect(readCliSettings({ ADMIN_HOST, ADMIN_URL: 'http://h:1' }).adminUrl).toBe('http://h:1');
});
