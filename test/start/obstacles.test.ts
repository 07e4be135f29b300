// What stands between a start and its stores is told in one line: setting, address, what is wrong, what to do.
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { emptyDatabase, examined, sql, startOf } from '../doctor/servers.ts';
import { freePort } from '../helpers/free-port.ts';
import { untilPrinted } from '../helpers/processes.ts';
import { databaseUrl as sharedDatabase, redisUrl as sharedRedis, uniqueName } from '../helpers/services.ts';

const CANARY = 'canary-password';

type Urls = { redisUrl?: string; databaseUrl?: string };
type SetUp = (t: TestContext) => Promise<Urls>;

const withLogin = (
  url: string,
  login: { username?: string; password?: string; pathname?: string; protocol?: string },
) => Object.assign(new URL(url), login).href;

async function portOf(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const httpServer = (t: TestContext) =>
  portOf(
    t,
    createHttpServer((_request, response) => response.end('hello')),
  );

/** A user of the shared database server, dropped when the test ends. */
async function userWith(
  t: TestContext,
  grants: (name: string) => string[],
): Promise<{ username: string; password: string }> {
  const username = uniqueName('u').replace('-', '_').slice(0, 30);
  await sql(sharedDatabase(), `CREATE USER '${username}'@'%' IDENTIFIED BY '${CANARY}'`);
  t.onTestFinished(() => sql(sharedDatabase(), `DROP USER '${username}'@'%'`));
  await sql(sharedDatabase(), ...grants(`'${username}'@'%'`));
  return { username, password: CANARY };
}

const databaseOf = (url: string) => new URL(url).pathname.slice(1);

const LASTING: [string, SetUp, RegExp][] = [
  [
    'a wrong password of Redis',
    async () => ({ redisUrl: withLogin(sharedRedis(), { username: 'default', password: CANARY }) }),
    /^REDIS_URL, Redis at 127\.0\.0\.1:\d+: the user or password is wrong\. Do: put the right one into REDIS_URL/m,
  ],
  [
    'a number of a database that Redis has not',
    async () => ({ redisUrl: withLogin(sharedRedis(), { pathname: '/9999' }) }),
    /^REDIS_URL, .*no database with that number\. Do: /m,
  ],
  [
    'an HTTP server in place of Redis',
    async (t) => ({ redisUrl: `redis://:${CANARY}@127.0.0.1:${await httpServer(t)}` }),
    /^REDIS_URL, .*the server at that address is not Redis\. Do: check the host and port/m,
  ],
  [
    'a Redis that is no cluster',
    async () => ({ redisUrl: withLogin(sharedRedis().replace('redis:', 'redis+cluster:'), { pathname: '' }) }),
    /^REDIS_URL, .*the server is not a Redis Cluster\. Do: use redis:\/\//m,
  ],
  [
    'a wrong password of the database',
    async () => ({ databaseUrl: withLogin(sharedDatabase(), { password: CANARY }) }),
    /^DATABASE_URL, database at 127\.0\.0\.1:\d+\/\w+: the database rejects the user or password.*Do: put the right user/m,
  ],
  [
    'a database that does not exist',
    async () => ({ databaseUrl: withLogin(sharedDatabase(), { pathname: '/no_such_database' }) }),
    /^DATABASE_URL, .*: there is no database no_such_database\. Do: CREATE DATABASE no_such_database/m,
  ],
  [
    'a database that is not for this user',
    async (t) => ({ databaseUrl: withLogin(await emptyDatabase(t), await userWith(t, () => [])) }),
    /^DATABASE_URL, .*: the user in DATABASE_URL may not use the database (\w+)\. Do: .*GRANT SELECT, .*ON \1\.\* TO/m,
  ],
];

const PASSING: [string, SetUp, RegExp][] = [
  [
    'a database of which nothing is there',
    async () => ({ databaseUrl: `mysql://u:${CANARY}@127.0.0.1:${await freePort()}/db` }),
    /^DATABASE_URL, database at 127\.0\.0\.1:\d+\/db: no server listens at that address\. Do: check that the database runs/m,
  ],
  [
    'a host of the database that is not known',
    async () => ({ databaseUrl: `mysql://u:${CANARY}@no-such-host.invalid/db` }),
    /^DATABASE_URL, database at no-such-host\.invalid:3306\/db: the host name cannot be resolved\. Do: /m,
  ],
  [
    'an HTTP server in place of the database',
    async (t) => ({ databaseUrl: `mysql://u:${CANARY}@127.0.0.1:${await httpServer(t)}/db` }),
    /^DATABASE_URL, .*: no MySQL or MariaDB answers at that address\. Do: /m,
  ],
];

const REDIS_PASSING: [string, SetUp, RegExp][] = [
  [
    'a Redis of which nothing is there',
    async () => ({ redisUrl: `redis://:${CANARY}@127.0.0.1:${await freePort()}` }),
    /^REDIS_URL, Redis at 127\.0\.0\.1:\d+: no server listens at that address\. Do: check that Redis runs.* Waited 10 s/m,
  ],
  [
    'a server that says nothing in place of Redis',
    async (t) => ({ redisUrl: `redis://:${CANARY}@127.0.0.1:${await portOf(t, createServer())}` }),
    /^REDIS_URL, .*: Redis does not answer\. Do: /m,
  ],
];

const withCode = (list: [string, SetUp, RegExp][], code: number, programs: ('src/main.ts' | 'workers/main.ts')[]) =>
  list.map(([name, setUp, line]) => ({ name, setUp, line, code, programs }));

// Side by side: most of them wait until a start gives up.
test.concurrent.for([
  ...withCode(LASTING, 78, ['src/main.ts', 'workers/main.ts']),
  ...withCode(PASSING, 1, ['src/main.ts']),
  ...withCode(REDIS_PASSING, 1, ['src/main.ts', 'workers/main.ts']),
])('$name: one line says so, exit code $code', { timeout: 180_000 }, async ({ setUp, line, code, programs }, t) => {
  const stores = { redisUrl: sharedRedis(), databaseUrl: sharedDatabase(), ...(await setUp(t)) };
  for (const program of programs) {
    const started = await startOf(t, program, stores, { DURABILITY: 'memory' });
    expect([program, await started.ended, started.output()]).toEqual([
      program,
      { code, signal: null },
      expect.stringMatching(line),
    ]);
    expect(started.output().match(/^(REDIS|DATABASE)_URL, /gm)).toHaveLength(1);
    // Nothing is said over and over while it waits, and nothing of who logs in.
    expect(started.output()).not.toMatch(/"level":50|^ +at .*:\d+:\d+/m);
    expect(started.output()).not.toContain(CANARY);
  }
});

test('a user of the database who may create no table is told which right is missing; with the rights it starts', {
  timeout: 120_000,
}, async (t) => {
  const empty = await emptyDatabase(t);
  const name = databaseOf(empty);
  const login = await userWith(t, (user) => [`GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO ${user}`]);
  const stores = { redisUrl: sharedRedis(), databaseUrl: withLogin(empty, login) };
  const refused = await startOf(t, 'src/main.ts', stores, { DURABILITY: 'memory' });
  expect(await refused.ended).toEqual({ code: 78, signal: null });
  const [, rights] =
    /^DATABASE_URL, .*: the user in DATABASE_URL may not CREATE in \w+\. Do: .*GRANT (.*) ON \w+\.\* TO/m.exec(
      refused.output(),
    ) ?? [];
  expect(rights, refused.output()).toBeDefined();
  expect(refused.output()).not.toMatch(/closed state|outcome is unknown/);

  await sql(sharedDatabase(), `GRANT ${rights} ON ${name}.* TO '${login.username}'@'%'`);
  const front = await startOf(t, 'src/main.ts', stores, { DURABILITY: 'memory' });
  await untilPrinted(front, /^Ready\./m, 60_000);
});

test('doctor says what is wrong with a store and what to do, not that it was not reached alone', {
  timeout: 90_000,
}, async (t) => {
  for (const [setUp, check, means, remedy] of [
    [LASTING[0]![1], 'redis', /^127\.0\.0\.1:\d+: the user or password is wrong/, /put the right one into REDIS_URL/],
    [LASTING[2]![1], 'redis', /the server at that address is not Redis/, /host and port/],
    [LASTING[5]![1], 'ledger', /there is no database no_such_database/, /CREATE DATABASE/],
    [PASSING[2]![1], 'ledger', /no MySQL or MariaDB answers at that address/, /host and port/],
  ] as const) {
    const stores = { redisUrl: sharedRedis(), databaseUrl: sharedDatabase(), ...(await setUp(t)) };
    const { code, named, out } = await examined(stores, { DURABILITY: 'memory' });
    expect([code, named(check)]).toMatchObject([
      2,
      { status: 'unknown', means: expect.stringMatching(means), remedy: expect.stringMatching(remedy) },
    ]);
    expect(out).not.toContain(CANARY);
  }
});

test('doctor on a fresh database says that a front makes the tables, not that rights are missing', async (t) => {
  const stores = { redisUrl: sharedRedis(), databaseUrl: await emptyDatabase(t) };
  const { code, out, report, named } = await examined(stores, { DURABILITY: 'memory' });
  expect(code).toBe(1);
  expect(named('ledger-migrations')).toMatchObject({
    status: 'broken',
    found: 'the database has no Sluice tables yet',
    remedy: expect.stringMatching(/^start a front of this version on this database, which makes the tables/),
  });
  expect(report.findings.filter(({ status }) => status === 'unknown')).toEqual([]);
  expect(out).not.toMatch(/allow this user|doesn't exist/);
});
