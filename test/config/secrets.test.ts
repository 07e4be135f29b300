import { expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { parseAddress } from '../../src/redis/address.ts';
import { ran, sluice } from '../cli/sluice.ts';
import { problemsOf } from './problems.ts';

/** Part of every password here. */
const CANARY = /canary|Canary/;

test.for<[string, RegExp]>([
  ['mysql://u:Canary#pw@h:3306/db', /unescaped # in its user or password: write # as %23/],
  ['mysql://u:12#canary@h:3306/db', /unescaped #/],
  ['mysql://u:Canary/pw@h:3306/db', /unescaped \/ .*%2F/],
  ['mysql://u:Canary?pw@h:3306/db', /unescaped \? .*%3F/],
  ['mysql://u:Canary@pw@h:3306/db', /unescaped @ .*%40/],
  ['mysql://u:Canary@pw/x@h:3306/db', /@ after its hosts.*%40.*%2F/],
  ['mysql://u:Canary%pw@h:3306/db', /unescaped % .*%25/],
  ['mysql://u:Canary%ff@h:3306/db', /unescaped %/],
  ['mysql://u:Can ary@h:3306/db', /contains a space/],
  ['mysql://u:canary@h:port/db', /port that is not a number from 1 to 65535/],
  ['mysql://u:canary@h:65536/db', /port that is not a number/],
  ['mysql://u:canary@::1:3306/db', /IPv6 address in brackets/],
  ['mysql://u:canary@:3306/db', /port that is not|has no host/],
  ['mysql://u:canary@/db', /has no host/],
  ['mysql://u:canary@a,b/db', /takes one host/],
  ['mysql://u:canary@h:3306', /has no database/],
  ['mysql://u:canary@h:3306/', /has no database/],
  ['mysql://u:canary@h:3306/a/b', /has no database/],
  ['mysql://u:canary@h:3306/db?ssl=true', /ssl that is not a JSON object/],
  ['mysql://u:canary@h:3306/db?ssl={canary', /ssl that is not a JSON object/],
  ['postgres://u:canary@h/db', /takes mysql:\/\/user/],
  ['canary', /takes mysql:\/\/user/],
])('DATABASE_URL %s is refused with what is wrong, and nothing of it is told', ([DATABASE_URL, problem]) => {
  const told = problemsOf({ DATABASE_URL });
  expect(told).toEqual([expect.stringMatching(/^DATABASE_URL: /)]);
  expect(told[0]).toMatch(problem);
  expect(told[0]).not.toMatch(CANARY);
});

test.for<[string, RegExp]>([
  ['redis://:Canary#pw@h:6379', /unescaped #/],
  ['redis://:Canary/pw@h:6379/0', /unescaped \//],
  ['redis://:Canary?pw@h:6379', /unescaped \?/],
  ['redis://:Canary@pw@h:6379', /unescaped @/],
  ['redis://:Canary%pw@h:6379', /unescaped %/],
  ['redis://:canary@h:port', /port that is not a number/],
  ['redis://:canary@::1:6379', /IPv6 address in brackets/],
  ['redis://:canary@h/zero', /database number/],
  ['redis://:canary@a,b', /redis\+cluster:\/\/ or redis\+sentinel/],
  ['redis+cluster://:Canary@pw@a:1,b:2', /unescaped @/],
  ['redis+sentinel://:canary@a:1,b:0/primary', /port that is not a number/],
  ['redis+sentinel://a:1/primary?sentinelPassword=Canary@pw', /@/],
  ['rediss+sentinel://:canary@a:1/primary?sentinelPassword=%', /% after its hosts/],
])('REDIS_URL %s is refused with what is wrong, and nothing of it is told', ([REDIS_URL, problem]) => {
  const told = problemsOf({ REDIS_URL });
  expect(told).toEqual([expect.stringMatching(/^REDIS_URL: /)]);
  expect(told[0]).toMatch(problem);
  expect(told[0]).not.toMatch(CANARY);
});

test.for(['ADMIN_URL', 'JWT_JWKS_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT'])(
  '%s tells nothing of what it refuses',
  (name) => {
    const jwt = { JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' };
    const others = name.startsWith('JWT') ? jwt : {};
    for (const wrong of [
      'https://u:Canary@h/',
      'https://u:Canary#pw@h/',
      'https://u:12#Canary@h/',
      'ftp://Canary',
      'Canary',
    ]) {
      const told = problemsOf({ ...others, [name]: wrong });
      expect(told).toEqual([expect.stringMatching(new RegExp(`^${name}: takes `))]);
      expect(told[0]).not.toMatch(CANARY);
    }
  },
);

test('escaped signs are read, by the check and by the clients', () => {
  const password = encodeURIComponent('a#b/c?d@e%f:g');
  expect(parseAddress(readConfig({ REDIS_URL: `redis://u:${password}@[::1]:6379/2` }).redisUrl!)).toMatchObject({
    credentials: { username: 'u', password: 'a#b/c?d@e%f:g' },
    at: { host: '::1', port: 6_379 },
    db: 2,
  });
  for (const url of [
    `mysql://u:${password}@[::1]:3306/db`,
    'mariadb://h/db?ssl={"rejectUnauthorized":false}',
    'mysql://u:p:q@h/db?ssl=Amazon%20RDS',
  ]) {
    expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url);
  }
  expect(readConfig({ REDIS_URL: 'redis:///1' }).redisUrl).toBe('redis:///1');
});

const URLS = { DATABASE_URL: 'mysql://u:Canary#pw@127.0.0.1:3306/db', REDIS_URL: 'redis://:Canary@pw@127.0.0.1:6379' };

test.for([
  ['src/cli.ts', 'doctor'],
  ['src/cli.ts', 'doctor', '--json'],
  ['src/main.ts', '--no-rehearsal'],
  ['workers/main.ts'],
  ['src/rehearsal/main.ts', '--admin-token', 'x'],
  ['src/rehearsal/main.ts', '--admin-token', 'x', '--database-url', URLS.DATABASE_URL],
  ['src/rehearsal/main.ts', '--admin-token', 'x', '--database-url', 'mysql://u:12#Canary@h/db'],
  ['src/rehearsal/main.ts', '--admin-token', 'a Canary', '--url', 'http://u:Canary#x@h'],
])('%s says what is wrong with an address, exit code 78, and prints no part of the address', async (command) => {
  const settings = command[0] === 'src/rehearsal/main.ts' && command.length > 3 ? {} : URLS;
  const { code, out, err } = await ran(process.execPath, command, { ...settings, PATH: process.env.PATH });
  expect([code, out]).toEqual([78, '']);
  if (settings === URLS) expect(err).toMatch(/DATABASE_URL: has an unescaped #/);
  expect(err).not.toMatch(CANARY);
  expect(err).not.toMatch(/^ +at /m);
});

test('an --admin-url that is refused is not repeated', async () => {
  const { code, err } = await sluice(['campaign', 'list', '--admin-url', 'http://u:Canary@h'], {
    ADMIN_TOKEN: 'a'.repeat(16),
  });
  expect([code, err]).toEqual([64, expect.stringMatching(/--admin-url takes/)]);
  expect(err).not.toMatch(CANARY);
});
