// Limits of connections: what the doctor says of them, and what fronts and workers say beyond them.
import { expect, test } from 'vitest';
import { judgeLedgerConnections, judgeRedisConnections } from '../../src/doctor/connection-judgement.ts';
import { examineGates, examineServers } from '../../src/doctor/examine.ts';
import type { Fact, Fields, Status } from '../../src/doctor/finding.ts';
import { createCampaign } from '../../src/ledger/creations.ts';
import { limits } from '../../src/process/limits.ts';
import { freePort } from '../helpers/free-port.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import { startFront, startWorker, untilPrinted } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { databaseUrl, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { examined, migratedDatabase, openTestLedger, sql } from './servers.ts';

const FORBIDDEN = { untold: 'NOPERM' };
const info = (maxclients: number, connected: number): Fact<Fields> => ({
  told: { maxclients: String(maxclients), connected_clients: String(connected) },
});

test.for<[string, Fact<Fields>, Status]>([
  ['room for all', info(10_000, 500), 'ok'],
  ['room for the last of them', info(100, 91), 'ok'],
  ['room for all but one', info(100, 92), 'warning'],
  ['no room', info(100, 100), 'broken'],
  ['more than there may be now', info(100, 120), 'broken'],
  ['a limit of which one process takes more than half', info(17, 1), 'warning'],
  ['a Redis that does not tell its limit', { told: { connected_clients: '3' } }, 'unknown'],
  ['a Redis that may not be asked', FORBIDDEN, 'unknown'],
])('nine connections to Redis and %s', ([, told, status]) => {
  expect(judgeRedisConnections(told, 9)).toMatchObject({ check: 'redis-connections', status });
});

test.for<[string, Fields, Fact<number>, Status]>([
  ['room for all', { max_connections: '151' }, { told: 139 }, 'ok'],
  ['room for all but one', { max_connections: '151' }, { told: 140 }, 'warning'],
  ['no room', { max_connections: '151' }, { told: 151 }, 'broken'],
  ['a server that does not tell its use', { max_connections: '151' }, FORBIDDEN, 'ok'],
  ['an account that may have fewer', { max_connections: '151', max_user_connections: '10' }, { told: 1 }, 'warning'],
  ['an account whose use is not known', { max_connections: '151', max_user_connections: '24' }, { told: 150 }, 'ok'],
])('twelve connections to the ledger and %s', ([, variables, open, status]) => {
  expect(judgeLedgerConnections(variables, open, 12)).toMatchObject({ check: 'ledger-connections', status });
});

test('a worker whose reads Redis refuses a connection says so, as do front and doctor, which called nothing broken', {
  timeout: 240_000,
}, async (t) => {
  const lone = await loneRedis(t);
  const stores = { redisUrl: lone.url, databaseUrl: await migratedDatabase(t) };
  const [redis, ledger, port] = [testRedis(t, lone.url), openTestLedger(t, stores.databaseUrl), await freePort()];
  await createCampaign(ledger, { id: uniqueName('full'), stock: 1 }, 'test');
  const clients = async () =>
    String(await redis.client('LIST'))
      .trim()
      .split('\n');
  // BullMQ names the connection on which its worker waits after its queue.
  const ofOthers = async () => (await clients()).filter((line) => / name=(?!test )/.test(line)).length;

  const frontPort = await freePort();
  const front = await startFront(t, stores, { TELEMETRY: 'on', TELEMETRY_PORT: String(frontPort) });
  await until('the front has connected', 60_000, async () => (await ofOthers()) === limits.frontRedisConnections);
  await startWorker(t, stores, 'full', { TELEMETRY: 'on', TELEMETRY_PORT: String(port) });
  const ready = async (url: string) => {
    const answer = await fetch(`${url}/readyz?verbose`);
    return { status: answer.status, ...((await answer.json()) as { reasons: string[]; warnings: string[] }) };
  };
  const worker = `http://127.0.0.1:${port}`;
  await until('the worker is ready', 60_000, async () => (await ready(worker)).status === 200);
  const all = limits.frontRedisConnections + limits.workerRedisConnections;
  await until(`there are ${all}`, 60_000, async () => (await ofOthers()) === all).catch(async (error) => {
    throw new Error((await clients()).join('\n'), { cause: error });
  });

  const reader = (await clients()).find((line) => line.includes(':turns '))!;
  await redis.config('SET', 'maxclients', String((await clients()).length - 1));
  await redis.client('KILL', 'ID', /^id=(\d+)/.exec(reader)![1]!);
  const unready = await until('the worker is not', 120_000, async () => {
    const told = await ready(worker);
    return told.status === 503 && told;
  });
  expect(unready.reasons).toEqual(['campaigns-read-stale', 'redis-maxclients-reached']);
  const told = await until('the front says so', 60_000, async () => {
    const answer = await ready(front.url);
    return answer.warnings.includes('no-worker-ready') && answer;
  });
  expect(told).toMatchObject({ status: 200, ready: true, workers: { seen: 1, ready: 0 } });

  await until('the numbers of the front say so', 60_000, async () => {
    const text = await (await fetch(`http://127.0.0.1:${frontPort}/metrics`)).text();
    const of = (name: string, labels = '[^}]*') =>
      Number(new RegExp(`^${name}(?:\\{${labels}\\})? (\\S+)`, 'm').exec(text)?.[1]);
    const server = (name: string, kind: string) => of(`sluice_server_connections${name}`, `[^}]*server="${kind}"[^}]*`);
    const isFull = server('', 'redis') >= server('_max', 'redis');
    const none = of('sluice_workers_ready') === 0 && of('sluice_no_worker_ready_seconds') > 0;
    return isFull && none && server('', 'database') > 0 && server('_max', 'database') > 0;
  });

  const asked = { migrates: false, connectionsWanted: 1, openConnectionsWanted: 1, redisConnectionsWanted: 1 };
  const exposure = { production: false, believesBareHeader: false, logLevel: 'info' } as never;
  const findings = [
    ...(await examineServers({ ...asked, redis, ledger, durability: 'disk', exposure })),
    ...(await examineGates({ redis, ledger })),
  ];
  const named = (name: string) => findings.find(({ check }) => check === name)!;
  expect([named('redis-connections').status, named('workers').status]).toEqual(['broken', 'broken']);
  expect(named('workers').found).toContain('full (campaigns-read-stale, redis-maxclients-reached); 1 campaign(s)');

  await redis.config('SET', 'maxclients', '100');
  await until('the worker is ready again', 60_000, async () => (await ready(worker)).status === 200);
  // All have connected long since: the limits name every connection that there is.
  expect(await ofOthers(), (await clients()).join('\n')).toBe(all);
});

test('an account of the database that may have fewer connections than a worker opens is told when it starts', {
  timeout: 120_000,
}, async (t) => {
  const lone = await loneRedis(t);
  const url = await migratedDatabase(t);
  const user = uniqueName('few').replace('-', '_');
  await sql(
    databaseUrl(),
    `CREATE USER ${user}@'127.0.0.1' IDENTIFIED BY 'secret' WITH MAX_USER_CONNECTIONS 5`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${new URL(url).pathname.slice(1)}.* TO ${user}@'127.0.0.1'`,
  );
  t.onTestFinished(() => sql(databaseUrl(), `DROP USER ${user}@'127.0.0.1'`));
  const stores = {
    redisUrl: lone.url,
    databaseUrl: Object.assign(new URL(url), { username: user, password: 'secret' }).href,
  };
  const worker = await startWorker(t, stores, 'few');
  await untilPrinted(worker, /"check":"ledger-connections","status":"warning"/);
  const { named } = await examined(stores, { WORKERS: '1' });
  expect(named('ledger-connections')).toMatchObject({ status: 'warning', found: expect.stringContaining('allows 5') });
});
