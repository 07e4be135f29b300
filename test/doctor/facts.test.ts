// What real servers tell: each fact is read where it is, whatever may not be read beside it.
import type { Redis } from 'ioredis';
import { expect, type TestContext, test } from 'vitest';
import { examineGates, examineServers, type Patient } from '../../src/doctor/examine.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { gatherLedgerFacts } from '../../src/doctor/ledger-facts.ts';
import { gatherRedisFacts } from '../../src/doctor/redis-facts.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createCampaign } from '../../src/ledger/creations.ts';
import { markProjected } from '../../src/ledger/projections.ts';
import { findRedis, serverSearchPath } from '../../src/local/binaries.mjs';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { freePort } from '../helpers/free-port.ts';
import { startProgram } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { databaseUrl, startRedis, temporaryFolder, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { migratedDatabase, openTestLedger, sql } from './servers.ts';

const PROMISE: Omit<Patient, 'redis' | 'ledger' | 'durability'> = {
  connectionsWanted: 4,
  openConnectionsWanted: 4,
  redisConnectionsWanted: 4,
  migrates: false,
  exposure: {
    production: false,
    adminHost: undefined,
    adminToken: undefined,
    telemetryHost: undefined,
    publicHost: undefined,
    believesBareHeader: false,
    logLevel: 'info',
  },
};

const statusOf = (findings: readonly Finding[], name: string) => findings.find(({ check }) => check === name)?.status;

test('a replica is seen as one, and by its primary', async (t) => {
  const [primary, replica] = await Promise.all([startRedis(t), startRedis(t)]);
  const { hostname, port, password } = new URL(primary.url);
  const [redis, other] = [testRedis(t, primary.url), testRedis(t, replica.url)];
  const ledger = openTestLedger(t, databaseUrl());
  const look = (client: typeof redis) =>
    examineServers({ ...PROMISE, redis: client, ledger, durability: 'disk+replica' });
  expect(statusOf(await look(redis), 'redis-replicas')).toBe('broken');

  await other.config('SET', 'masterauth', password);
  await other.call('REPLICAOF', hostname, port);
  const findings = await until('the replica is online', 15_000, async () => {
    const seen = await look(redis);
    return statusOf(seen, 'redis-replicas') === 'ok' && seen;
  });
  expect(statusOf(findings, 'redis-min-replicas')).toBe('warning');
  await redis.config('SET', 'min-replicas-to-write', '1');
  expect(statusOf(await look(redis), 'redis-min-replicas')).toBe('ok');
  const seen = (await look(other)).find(({ check }) => check === 'redis-role')!;
  expect([seen.status, seen.found]).toEqual(['broken', `a replica of ${hostname}:${port}`]);
});

test('a cluster without slots is broken, and stops as a whole by default', async (t) => {
  const [port, folder] = [await freePort(), await temporaryFolder(t)];
  const { path } = findRedis(serverSearchPath())!;
  const options = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--cluster-enabled', 'yes'];
  startProgram(t, [path, '--port', String(port), ...options]);
  const redis = testRedis(t, `redis://127.0.0.1:${port}`);
  const ledger = openTestLedger(t, databaseUrl());
  const findings = await examineServers({ ...PROMISE, redis, ledger, durability: 'memory' });
  const cluster = findings.find(({ check }) => check === 'redis-cluster')!;
  expect(cluster.status).toBe('broken');
  expect(cluster.found).toBe('cluster_state fail, cluster-require-full-coverage yes');
});

test('a Redis that tells its time and nothing else is answered with unknown, not with a crash', async (t) => {
  const { url } = await startRedis(t);
  await testRedis(t, url).call('ACL', 'SETUSER', 'mute', 'on', '>secret', '~*', '+time', '+eval', '+evalsha');
  const redis = testRedis(t, Object.assign(new URL(url), { username: 'mute', password: 'secret' }).href);
  const facts = await gatherRedisFacts(redis as Redis);
  for (const fact of [facts.info, facts.settings, facts.openToAll]) {
    expect(fact).toEqual({ untold: expect.stringContaining('NOPERM') });
  }
  expect(facts.scriptRefusals).toEqual([expect.stringContaining('INFO in a script: ERR')]);
  expect(facts.clock).toEqual({ told: { aheadMs: expect.any(Number), doubtMs: expect.any(Number) } });
});

test('a user who may read and write the ledger, and no more, sees all that is to be seen', async (t) => {
  const url = await migratedDatabase(t);
  const user = uniqueName('u').replace('-', '_');
  const name = new URL(url).pathname.slice(1);
  await sql(
    databaseUrl(),
    `CREATE USER ${user}@'127.0.0.1' IDENTIFIED BY 'secret'`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO ${user}@'127.0.0.1'`,
  );
  t.onTestFinished(() => sql(databaseUrl(), `DROP USER ${user}@'127.0.0.1'`));
  const plain = openTestLedger(t, Object.assign(new URL(url), { username: user, password: 'secret' }).href);
  const owner = openTestLedger(t, url);
  const [seen, all] = await Promise.all([gatherLedgerFacts(plain), gatherLedgerFacts(owner)]);
  expect(seen.shape).toEqual(all.shape);
  expect(seen.migrations).toEqual(all.migrations);
  expect(seen.variables).toHaveProperty('told.unique_checks', 'ON');
});

test('a ledger that is away is asked once', async (t) => {
  const ledger = openTestLedger(t, `mysql://a:b@127.0.0.1:${await freePort()}/c`);
  const { clock, shape } = await gatherLedgerFacts(ledger);
  expect(clock).toEqual({ untold: expect.stringContaining('ECONNREFUSED') });
  expect(shape).toBe(clock);
});

/** A campaign with its gate and the groups of its two work streams. */
async function sale(t: TestContext) {
  const ledger = openTestLedger(t, await migratedDatabase(t));
  const redis = testRedis(t);
  const id = uniqueName('sale');
  const { campaign } = await createCampaign(ledger, { id, stock: 10, shards: 2 }, 'test');
  await createGate(redis).project(campaign, true);
  await markProjected(ledger, id, campaign.version);
  for (const shard of [0, 1]) await redis.xgroup('CREATE', keys.work(id, shard), GROUP, '0', 'MKSTREAM');
  t.onTestFinished(async () => {
    await redis.del(keys.gate(id), keys.work(id, 0), keys.work(id, 1));
  });
  // Workers of other tests report to the Redis that all of them share.
  const look = async () =>
    Object.fromEntries(
      (await examineGates({ redis, ledger }))
        .filter(({ check }) => check !== 'workers')
        .map(({ check, status }) => [check, status]),
    );
  return { redis, id, look };
}

test('a gate as it should be is ok, and each thing that goes wrong with it is seen', async (t) => {
  const { redis, id, look } = await sale(t);
  const fine = {
    ...{ gates: 'ok', 'gates-verified': 'ok', 'gate-layout': 'ok', 'gate-epochs': 'ok', 'gate-shapes': 'ok' },
    ...{ 'work-groups': 'ok', 'work-lag': 'ok' },
  };
  expect(await look()).toEqual(fine);
  await redis.hset(keys.gate(id), 'epoch', 7);
  expect(await look()).toEqual({ ...fine, 'gate-epochs': 'broken' });
  await redis.hset(keys.gate(id), 'epoch', 0);
  expect(await look()).toEqual({ ...fine, 'gate-epochs': 'warning' });
  await redis.hset(keys.gate(id), 'epoch', 1, 'buckets', 3);
  expect(await look()).toEqual({ ...fine, 'gate-shapes': 'broken' });
  await redis.hset(keys.gate(id), 'buckets', 16, 'run_id', 'ab'.repeat(20));
  expect(await look()).toEqual({ ...fine, 'gates-verified': 'warning' });
  await redis.del(keys.gate(id));
  expect(await look()).toEqual({ ...fine, gates: 'warning', 'gates-verified': 'warning' });
});

test('keys of a version that knew no lanes are told', async (t) => {
  const { redis, id, look } = await sale(t);
  await redis.hset(`sluice:{${id}}:gate`, 'seq', 1);
  t.onTestFinished(() => redis.del(`sluice:{${id}}:gate`).then(() => undefined));
  expect(await look()).toMatchObject({ 'gate-layout': 'warning' });
});

test('work streams without their group, or gone, are told once tickets wait', async (t) => {
  const { redis, id, look } = await sale(t);
  await redis.del(keys.work(id, 1));
  expect(await look()).toMatchObject({ 'work-groups': 'ok' });
  await redis.hset(keys.gate(id), 'seq', 1);
  await redis.xgroup('CREATE', keys.work(id, 1), GROUP, '0', 'MKSTREAM');
  await redis.xgroup('DESTROY', keys.work(id, 1), GROUP);
  expect(await look()).toMatchObject({ 'work-groups': 'warning', 'work-lag': 'ok' });
  await redis.del(keys.work(id, 0), keys.work(id, 1));
  expect(await look()).toMatchObject({ 'work-groups': 'warning' });
});

test('a lag that Redis lost count of is unknown, not 0', async (t) => {
  const { redis, id, look } = await sale(t);
  for (const seq of [1, 2, 3]) await redis.xadd(keys.work(id, 0), `${seq}-0`, 'unit', seq);
  expect(await look()).toMatchObject({ 'work-lag': 'ok' });
  await redis.xdel(keys.work(id, 0), '2-0');
  expect(await look()).toMatchObject({ 'work-lag': 'unknown' });
});
