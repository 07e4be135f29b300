// Real processes with secrets and users that are easily found, made to fail in every way: nothing they print holds one.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { keys } from '../../src/redis/keys.ts';
import { type Running, startFront, startProgram, startWorker } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { startRedis, temporaryFolder, uniqueName } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import { AUDIENCE, claimsOf, ISSUER, signingKey, startIdentityProvider, tokenBy } from '../http/identity-provider.ts';
import { ownDatabase } from '../ledger/own-database.ts';

const MARK = 'cafecafe';
const hex = (digit: string) => `${MARK}${digit.repeat(56)}`;
const SECRETS = {
  TICKET_KEYS: `1:${hex('1')},2:${hex('2')}@2030-01-01T00:00:00Z`,
  COUPON_KEY: hex('3'),
  ADMIN_TOKEN: `admin-${MARK}-token`,
  ADMIN_READ_TOKEN: `read-${MARK}-token`,
};
const PASSWORD = `pass${MARK}word`;
const OTHER_PASSWORD = `other${MARK}word`;
const user = () => uniqueName(`user-${MARK}`);

const database = ownDatabase();

function withPassword(url: string, password: string): string {
  return Object.assign(new URL(url), { password }).href;
}

/** The log lines among what was printed: the test proves nothing about a process that said nothing. */
function expectSilence(program: Running, leastErrors: number): void {
  const lines = program.output().split('\n');
  expect(lines.filter((line) => line.includes('"level":50')).length).toBeGreaterThanOrEqual(leastErrors);
  expect(lines.filter((line) => line.includes(MARK) || line.includes('eyJ'))).toEqual([]);
}

interface Place {
  proxyUrl: string;
  setRedis: (mode: 'pass' | 'reset') => void;
  redis: ReturnType<typeof testRedis>;
}

/** A Redis with a password that is a canary, behind a proxy that can take it away. */
async function guardedRedis(t: TestContext): Promise<Place> {
  const { url } = await startRedis(t);
  const redis = testRedis(t, url);
  await redis.config('SET', 'requirepass', PASSWORD);
  const proxy = await startTcpProxy(t, withPassword(url, PASSWORD));
  return { proxyUrl: proxy.url, setRedis: proxy.set, redis };
}

type Front = Awaited<ReturnType<typeof startFront>>;

const post = (url: string, headers: Record<string, string>, body?: string) =>
  fetch(url, { method: 'POST', headers, ...(body === undefined ? {} : { body }) }).then(async (answer) => ({
    status: answer.status,
    text: await answer.text(),
  }));

async function create(front: Front, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${SECRETS.ADMIN_TOKEN}`, 'content-type': 'application/json' };
  const { status, text } = await post(
    `${front.adminUrl}/admin/campaigns`,
    headers,
    `{"id":"${id}","stock":100,"shards":1}`,
  );
  if (status !== 201) throw new Error(`${status} ${text}`);
}

test('a front and a worker in every trouble there is print no secret and no user', async (t) => {
  const { proxyUrl, setRedis, redis } = await guardedRedis(t);
  const stores = { redisUrl: proxyUrl, databaseUrl: database.url() };
  const gateway = `gateway-${MARK}-secret`;
  const front = await startFront(t, stores, { ...SECRETS, GATEWAY_SECRET: gateway });
  const worker = await startWorker(t, stores, 'canary', SECRETS);
  const campaign = uniqueName('canary');
  await create(front, campaign);
  const path = `${front.url}/v1/campaigns/${campaign}/tickets`;
  const join = (secret = gateway) => post(path, { 'x-user-id': user(), 'x-gateway-secret': secret });

  // The row of everybody is refused, with the user in the server's words, quoted and not.
  await database.sql(
    `CREATE TRIGGER refuse BEFORE INSERT ON issuances FOR EACH ROW
       SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no row for ${MARK} and not for ''${MARK}'''`,
  );
  expect((await join()).status).toBe(202);
  expect((await join(`wrong-${MARK}-secret`)).status).toBe(401);
  expect((await post(`${path}?token=${MARK}`, { authorization: `Bearer ${MARK}` })).status).toBe(401);
  await fetch(`${front.adminUrl}/admin/campaigns`, { headers: { authorization: `Bearer ${MARK}-wrong` } });
  await fetch(`${front.url}/v1/tickets/${MARK}.${MARK}`);
  await post(`${front.adminUrl}/admin/campaigns`, { authorization: `Bearer ${SECRETS.ADMIN_TOKEN}` }, `{"${MARK}`);
  await until('a retry', 15_000, async () => Number(await redis.hget(keys.gate(campaign), 'retrying')) > 0);
  // A table that is gone, a gate that is something else, an entry nobody wrote.
  await database.sql('RENAME TABLE dead_letters TO dead_letters_away');
  await redis.xadd(keys.work(campaign, 0), '1000-0', 'user', user(), 'unit', 'x');
  const broken = uniqueName('broken');
  await create(front, broken);
  expect(
    (await post(path.replace(campaign, broken), { 'x-user-id': user(), 'x-gateway-secret': gateway })).status,
  ).toBe(202);
  await redis.rename(keys.gate(broken), `kept-${broken}`);
  await redis.set(keys.gate(broken), user());
  await until('an error of the worker', 15_000, () => worker.output().includes('"level":50'));
  await join();

  // The connection breaks, and when it is back the password has changed.
  setRedis('reset');
  await until('an outage', 5_000, async () => (await join()).status === 503);
  await redis.config('SET', 'requirepass', OTHER_PASSWORD);
  setRedis('pass');
  for (const program of [front, worker]) {
    await until('a login that failed', 15_000, () => /WRONGPASS|NOAUTH/.test(program.output()));
  }
  expect((await join()).status).toBe(503);
  await Promise.all([front.end(), worker.end()]);
  expectSilence(front, 2);
  // One line of each kind: what the trigger refuses, the gate that is none, Redis away, the login that failed.
  expectSilence(worker, 3);
  await database.sql('DROP TRIGGER refuse');
  await database.sql('RENAME TABLE dead_letters_away TO dead_letters');
});

test('a front whose tokens cannot be checked, or are wrong, prints none of them', async (t) => {
  const key = await signingKey('ES256');
  const provider = await startIdentityProvider(t, key);
  const { url } = await startRedis(t);
  const environment = {
    JWT_JWKS_URL: `${provider.url.href}?api_key=${MARK}`,
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
  };
  provider.answer('nonsense');
  const front = await startFront(t, { redisUrl: url, databaseUrl: database.url() }, { ...SECRETS, ...environment });
  const campaign = uniqueName('canary');
  await create(front, campaign);
  const join = async (claims: Record<string, unknown>, tail = '') => {
    const token = `${await tokenBy(key, claimsOf(user(), claims))}${tail}`;
    return (await post(`${front.url}/v1/campaigns/${campaign}/tickets`, { authorization: `Bearer ${token}` })).status;
  };
  expect(await join({})).toBe(503);
  provider.answer([key]);
  await until('a join', 10_000, async () => (await join({})) === 202);
  expect(await join({ aud: MARK })).toBe(401);
  expect(await join({ exp: 1 })).toBe(401);
  expect(await join({}, MARK)).toBe(401);
  await front.end();
  expectSilence(front, 1);
});

/** Each of these ends by itself. */
const ENDS: [string, (stores: { redisUrl: string; databaseUrl: string }) => Record<string, string>, RegExp][] = [
  [
    'a wrong Redis password',
    (s) => ({ REDIS_URL: withPassword(s.redisUrl, OTHER_PASSWORD) }),
    /REDIS_URL, .*the user or password is wrong/,
  ],
  [
    'a wrong database password',
    (s) => ({ DATABASE_URL: withPassword(s.databaseUrl, OTHER_PASSWORD) }),
    /DATABASE_URL, .*rejects the user or password/,
  ],
  [
    'a database that is not there',
    (s) => ({ DATABASE_URL: `mysql://u:${PASSWORD}@127.0.0.1:9${new URL(s.databaseUrl).pathname}` }),
    /"check":"ledger"|DATABASE_URL, .*no server listens at that address/,
  ],
  [
    'settings that are wrong',
    () => ({ TICKET_KEYS: hex('4'), ADMIN_TOKEN: `${MARK}!`, GATEWAY_SECRET: MARK }),
    /problem/,
  ],
];
for (const [file, name] of [
  ['src/main.ts', 'front'],
  ['workers/main.ts', 'worker'],
] as const) {
  test.for(ENDS)(`a ${name} that meets %s ends without a word of it`, async ([, change, words], t) => {
    const { proxyUrl } = await guardedRedis(t);
    const stores = { redisUrl: proxyUrl, databaseUrl: database.url() };
    const program = startProgram(t, [process.execPath, file], {
      ...SECRETS,
      REDIS_URL: stores.redisUrl,
      DATABASE_URL: stores.databaseUrl,
      DATA_DIR: await temporaryFolder(t),
      PORT: '0',
      ADMIN_PORT: '0',
      TELEMETRY: 'off',
      WORKERS: '0',
      ...change(stores),
    });
    const ended = program.ended.then(() => true);
    const said = await Promise.race([ended, until('it says why', 40_000, () => words.test(program.output()))]);
    expect(said).toBeTruthy();
    await program.end();
    expect(program.output()).toMatch(words);
    expect(
      program
        .output()
        .split('\n')
        .filter((line) => line.includes(MARK)),
    ).toEqual([]);
  });
}

test('secrets that were kept in a file and are spoilt are not quoted', async (t) => {
  const dataDir = await mkdtemp(join(await temporaryFolder(t), 'data-'));
  await writeFile(join(dataDir, 'secrets.json'), `{"adminToken":"${MARK}"${MARK}}`);
  const { url } = await startRedis(t);
  const program = startProgram(t, [process.execPath, 'src/main.ts'], {
    REDIS_URL: url,
    DATABASE_URL: database.url(),
    DATA_DIR: dataDir,
    TELEMETRY: 'off',
  });
  expect((await program.ended).code).toBe(1);
  expect(program.output()).toContain('secrets.json');
  expect(program.output()).not.toContain(MARK);
});

test.for(['throw error', 'void Promise.reject(error)', "process.emit('uncaughtException', { password: mark })"])(
  'a bug that ends a process (%s) is told with its place and not with what it carries',
  async (end, t) => {
    const source = `
      import { tellFailuresPlainly } from './src/process/lifecycle.ts';
      import { errorWords } from './src/telemetry/describe-error.ts';
      tellFailuresPlainly(errorWords);
      const mark = '${MARK}'.slice(0);
      const members = { command: { name: 'auth', args: [mark] }, sql: mark, payload: { sub: mark } };
      const error = Object.assign(new Error("no '" + mark + "'", { cause: Object.assign(new Error('why'), members) }), members);
      setTimeout(() => { ${end}; });`;
    const file = join(await temporaryFolder(t), 'bug.ts');
    const root = new URL('../../', import.meta.url).pathname;
    await writeFile(file, source.replaceAll("'./src", `'${root}src`).replace(`'${MARK}'`, "['cafe', 'cafe'].join('')"));
    const program = startProgram(t, [process.execPath, file]);
    expect((await program.ended).code).toBe(1);
    expect(program.output()).not.toContain(MARK);
    if (!end.startsWith('process')) expect(program.output()).toMatch(/^Error: no '…'\n {4}at .*bug\.ts:\d+/m);
  },
);
