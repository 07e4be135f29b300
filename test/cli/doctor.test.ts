import { expect, test } from 'vitest';
import { examined, migratedDatabase } from '../doctor/servers.ts';
import { freePort } from '../helpers/free-port.ts';
import { databaseUrl, redisUrl, temporaryFolder } from '../helpers/services.ts';
import { openPlace, startSluice } from '../start/sluice.ts';
import { sluice } from './sluice.ts';

const STATUSES = ['ok', 'warning', 'broken', 'unknown'];
const stores = () => ({ redisUrl: redisUrl(), databaseUrl: databaseUrl() });

test('what npm start brings is found by its data folder, and nothing of it is broken', async (t) => {
  const place = await openPlace(t);
  const running = await startSluice(t, place);
  const { code, out } = await sluice(['doctor'], place.environment);
  expect(code, out).toBe(0);
  const lines = out.split('\n\n')[0]!.split('\n');
  expect(lines.length).toBeGreaterThan(25);
  for (const line of lines) expect(line).toMatch(/^(ok|warning) +[a-z-]+ +\S/);
  expect(out).toMatch(/^ok +redis-append-log +appendonly yes, appendfsync always$/m);
  expect(out).toMatch(/^\d+ ok, \d+ warning\(s\), 0 broken, 0 unknown$/m);
  const warned = lines.filter((line) => line.startsWith('warning')).map((line) => line.split(/ +/)[1]);
  // What a place of our own cannot choose: the machine's Redis, and how many files a process may open there.
  expect(warned.filter((check) => !['redis-holes', 'open-files'].includes(check!))).toEqual([]);
  expect(out).toMatch(/^ok +workers +1 ready: local-1$/m);

  await running.end();
  const gone = await sluice(['doctor'], place.environment);
  expect(gone.code).toBe(2);
  expect(gone.out).toMatch(/^unknown +redis +connect ECONNREFUSED/m);
  expect(gone.out).toMatch(/^unknown +ledger .*ECONNREFUSED.*Do: check that the database runs/m);
});

test('--json is one line with the exit code, the counts and every finding', async (t) => {
  // In the database that all tests share tickets of others may wait for a worker, which is broken.
  const own = { ...stores(), databaseUrl: await migratedDatabase(t) };
  const { code, out, report } = await examined(own, { DURABILITY: 'memory' });
  expect(code, out).toBe(0);
  expect(out.trimEnd()).not.toContain('\n');
  expect(Object.keys(report)).toEqual(['exitCode', 'counts', 'findings']);
  expect(Object.keys(report.counts)).toEqual(STATUSES);
  for (const finding of report.findings) {
    expect(Object.keys(finding)).toEqual(['check', 'status', 'found', 'means', 'remedy']);
    expect(STATUSES).toContain(finding.status);
    expect([finding.check, finding.remedy === '']).toEqual([finding.check, finding.status === 'ok']);
  }
  expect(new Set(report.findings.map(({ check }) => check)).size).toBe(report.findings.length);
});

test('a store that is away is unknown, exits with 2, and the other one is looked at', async () => {
  const away = `redis://:hidden-password@127.0.0.1:${await freePort()}`;
  const { code, out, named } = await examined({ ...stores(), redisUrl: away }, { DURABILITY: 'memory' });
  expect([code, named('redis')?.status, named('ledger-constraints')?.status]).toEqual([2, 'unknown', 'ok']);
  const wrong = Object.assign(new URL(databaseUrl()), { password: 'hidden-password' }).href;
  const refused = await examined({ ...stores(), databaseUrl: wrong }, { DURABILITY: 'memory' });
  expect([refused.code, refused.named('ledger')?.found]).toEqual([2, expect.stringContaining('Access denied')]);
  expect(out + refused.out).not.toContain('hidden-password');
});

test('a password that Redis refuses is told as such', async () => {
  const wrong = Object.assign(new URL(redisUrl()), { password: 'hidden-password' }).href;
  const { code, out, named } = await examined({ ...stores(), redisUrl: wrong });
  expect([code, named('redis')?.means]).toEqual([2, expect.stringMatching(/the user or password is wrong/)]);
  expect(out).not.toContain('hidden-password');
});

test('a data folder in which nothing has run is told what to set', async (t) => {
  const { code, out, err } = await sluice(['doctor'], { DATA_DIR: await temporaryFolder(t) });
  expect([code, out, err]).toEqual([
    2,
    '',
    expect.stringMatching(/REDIS_URL and DATABASE_URL, or DATA_DIR, or run npm/),
  ]);
});

test('a wrong setting is named with exit code 78, also as JSON', async () => {
  const wrong = { DURABILITY: 'eternal', SLUICE_PROFILE: 'production' };
  const { code, err } = await sluice(['doctor', '--json'], wrong);
  expect([code, JSON.parse(err).problems.join()]).toEqual([78, expect.stringContaining('DURABILITY: ')]);
  const without = await sluice(['doctor'], { SLUICE_PROFILE: 'production' });
  expect([without.code, without.err]).toEqual([78, expect.stringMatching(/REDIS_URL: .*\n.*DATABASE_URL: /)]);
});

test('doctor takes no words, and its help tells its exit codes', async () => {
  const { code, err } = await sluice(['doctor', 'redis']);
  expect([code, err]).toEqual([64, expect.stringMatching(/Unknown arguments: redis.*\nUsage: sluice doctor/)]);
  const { out } = await sluice(['doctor', '--help']);
  for (const exit of ['0 ', '1 ', '2 ', '64', '78']) expect(out).toMatch(new RegExp(`^  ${exit} +\\w`, 'm'));
});
