// Real servers set up wrongly: each start is refused with the line that names the cure, and the command tells the same.
import { expect, type TestContext, test } from 'vitest';
import { lineOf } from '../../src/doctor/report.ts';
import { untilPrinted } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { databaseUrl, redisUrl, startDatabase, startRedis } from '../helpers/services.ts';
import { emptyDatabase, examined, migratedDatabase, sql, startOf } from './servers.ts';

interface Wrong {
  redisUrl?: string;
  databaseUrl?: string;
  durability?: string;
}

async function evictingRedis(t: TestContext): Promise<Wrong> {
  const { url } = await startRedis(t);
  await testRedis(t, url).config('SET', 'maxmemory-policy', 'allkeys-lru');
  return { redisUrl: url };
}

async function hastyRedis(t: TestContext): Promise<Wrong> {
  const { url } = await startRedis(t, { appendfsync: 'everysec' });
  return { redisUrl: url };
}

async function redisWithoutLog(t: TestContext): Promise<Wrong> {
  const { url } = await startRedis(t, { appendonly: false });
  return { redisUrl: url };
}

async function redisWithoutScripts(t: TestContext): Promise<Wrong> {
  const { url } = await startRedis(t);
  await testRedis(t, url).call('ACL', 'SETUSER', 'plain', 'on', '>secret', '~*', '+@all', '-eval');
  return { redisUrl: Object.assign(new URL(url), { username: 'plain', password: 'secret' }).href };
}

async function ledgerWithoutUserKey(t: TestContext): Promise<Wrong> {
  const url = await migratedDatabase(t);
  await sql(url, 'ALTER TABLE issuances DROP INDEX issuances_one_per_user');
  return { databaseUrl: url, durability: 'memory' };
}

async function ledgerWithoutCheck(t: TestContext): Promise<Wrong> {
  const url = await migratedDatabase(t);
  await sql(url, 'ALTER TABLE issuances DROP CONSTRAINT issuances_within_tranche');
  return { databaseUrl: url, durability: 'memory' };
}

async function ledgerWithoutTrancheReference(t: TestContext): Promise<Wrong> {
  const url = await migratedDatabase(t);
  await sql(url, 'ALTER TABLE issuances DROP FOREIGN KEY issuances_tranche_exists');
  return { databaseUrl: url, durability: 'memory' };
}

async function readOnlyLedger(t: TestContext): Promise<Wrong> {
  const { url } = await startDatabase(t);
  await sql(
    url,
    "CREATE USER 'plain'@'127.0.0.1' IDENTIFIED BY 'secret'",
    "GRANT ALL ON sluice.* TO 'plain'@'127.0.0.1'",
    'SET GLOBAL read_only = 1',
  );
  const plain = Object.assign(new URL(url), { username: 'plain', password: 'secret' }).href;
  return { databaseUrl: plain, durability: 'memory' };
}

test.for<[string, (t: TestContext) => Promise<Wrong>, string, RegExp]>([
  ['a Redis that evicts', evictingRedis, 'redis-eviction', /CONFIG SET maxmemory-policy noeviction/],
  [
    'a Redis that flushes every second where disk is promised',
    hastyRedis,
    'redis-append-log',
    /CONFIG SET appendfsync always.*or set DURABILITY=memory/,
  ],
  ['a Redis without its log where disk is promised', redisWithoutLog, 'redis-append-log', /CONFIG SET appendonly yes/],
  ['a Redis whose user may run no script', redisWithoutScripts, 'redis-scripts', /\+evalsha \+eval \+info/],
  [
    'a ledger in which a user may have two',
    ledgerWithoutUserKey,
    'ledger-constraints',
    /UNIQUE \(campaign, user\).*ALTER TABLE/,
  ],
  [
    'a ledger without the bound of units',
    ledgerWithoutCheck,
    'ledger-constraints',
    /CHECK \(unit between.*ALTER TABLE/,
  ],
  ['a ledger without its tranches', ledgerWithoutTrancheReference, 'ledger-constraints', /FOREIGN KEY .*ALTER TABLE/],
  ['a ledger that only reads', readOnlyLedger, 'ledger-writable', /point DATABASE_URL at the primary/],
])('%s', async ([, setUp, check, cure], t) => {
  const { durability = 'disk', ...wrong } = await setUp(t);
  const stores = { redisUrl: redisUrl(), databaseUrl: databaseUrl(), ...wrong };
  const environment = { DURABILITY: durability };
  const { code, named } = await examined(stores, environment);
  const finding = named(check)!;
  expect([code, finding.status]).toEqual([1, 'broken']);
  expect(lineOf(finding)).toMatch(cure);

  for (const program of ['src/main.ts', 'workers/main.ts'] as const) {
    const started = await startOf(t, program, stores, environment);
    expect([program, await started.ended]).toEqual([program, { code: 78, signal: null }]);
    expect(started.output().split('\n')).toContain(lineOf(finding));
    expect(started.output()).not.toMatch(/^ +at .*:\d+:\d+/m);
  }
});

test('an empty database refuses a worker, and a front makes its tables', async (t) => {
  const stores = { redisUrl: redisUrl(), databaseUrl: await emptyDatabase(t) };
  const environment = { DURABILITY: 'memory' };
  const { code, named } = await examined(stores, environment);
  expect([code, named('ledger-migrations')?.status, named('ledger-constraints')?.status]).toEqual([
    1,
    'broken',
    'broken',
  ]);
  const refused = await startOf(t, 'workers/main.ts', stores, environment);
  expect((await refused.ended).code).toBe(78);
  expect(refused.output()).toMatch(/^broken +ledger-migrations .*start a front of this version on this database/m);

  const front = await startOf(t, 'src/main.ts', stores, environment);
  await untilPrinted(front, /^Ready\. /m);
  const worker = await startOf(t, 'workers/main.ts', stores, environment);
  await untilPrinted(worker, /"msg":"issuing"/);
  expect((await examined(stores, environment)).code).toBe(0);
});

test('what is only doubtful is logged and refuses nothing', async (t) => {
  const { url } = await startRedis(t, { appendonly: false });
  const user = ['plain', 'on', '>secret', '~*', '&*', '+@all', '-config', '-acl'];
  await testRedis(t, url).call('ACL', 'SETUSER', ...user);
  const plain = Object.assign(new URL(url), { username: 'plain', password: 'secret' }).href;
  const stores = { redisUrl: plain, databaseUrl: databaseUrl() };
  const worker = await startOf(t, 'workers/main.ts', stores, { DURABILITY: 'memory' });
  await untilPrinted(worker, /"msg":"issuing"/);
  expect(worker.output()).toMatch(/"level":40.*"check":"redis-append-log","status":"warning"/);
  expect(worker.output()).toMatch(/"level":40.*"check":"redis-access","status":"unknown","found":"NOPERM/);
});
