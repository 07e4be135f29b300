import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LEDGER_RIGHTS } from '../../src/domain/ledger-rights.ts';
import { identityOf, isAlive } from '../../src/local/process-identity.ts';
import { startLocalServices } from '../../src/local/services.ts';
import { asAdministrator } from '../helpers/database-administrator.ts';
import { temporaryFolder } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { query, recordExists, recorded, redisClient, spawnParent, startBoth, urlsOf } from './own-services.ts';

test('a stop leaves no process, no lock and no port', async (t) => {
  const dataDir = await temporaryFolder(t);
  const services = await startBoth(t, dataDir);
  const servers = [recorded(dataDir, 'redis'), recorded(dataDir, 'database')];
  expect(servers.map(isAlive)).toEqual([true, true]);
  expect(services.banner).toHaveLength(2);
  expect(services.banner[0]).toMatch(/^(redis|valkey) \d+\.\d+\.\d+, private, port \d+, data /);

  await services.close();
  expect(servers.map(isAlive)).toEqual([false, false]);
  expect((await readdir(dataDir)).filter((name) => /lock|\.pid$|\.draft$|\.tree$/.test(name))).toEqual([]);
  await expect(query(services.databaseUrl, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
});

test('the next start has the same addresses and the same data', async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = await startBoth(t, dataDir);
  await redisClient(t, first.redisUrl).set('kept', 'yes');
  await query(first.databaseUrl, 'CREATE TABLE kept (id INT PRIMARY KEY)');
  await first.close();
  const second = await startBoth(t, dataDir);
  expect([second.redisUrl, second.databaseUrl]).toEqual([first.redisUrl, first.databaseUrl]);
  expect(await redisClient(t, second.redisUrl).get('kept')).toBe('yes');
  expect(await query(second.databaseUrl, 'SELECT id FROM kept')).toEqual([]);
});

test('Redis is durable at each write, evicts nothing and wants its password', async (t) => {
  const { redisUrl } = await startBoth(t, await temporaryFolder(t));
  const client = redisClient(t, redisUrl);
  const settings = await client.config('GET', 'appendonly', 'appendfsync', 'save', 'maxmemory-policy', 'bind');
  const expected = { appendonly: 'yes', appendfsync: 'always', save: '', 'maxmemory-policy': 'noeviction' };
  expect(pairs(settings)).toMatchObject({ ...expected, bind: '127.0.0.1' });
  const stranger = redisClient(t, redisUrl.replace(/:[0-9a-f]+@/, ':wrong@'));
  await expect(stranger.get('any')).rejects.toThrow(/WRONGPASS/);
});

test('the database is durable at each commit and lets nobody in without a password', async (t) => {
  const { databaseUrl } = await startBoth(t, await temporaryFolder(t));
  expect(await query(databaseUrl, 'SELECT @@innodb_flush_log_at_trx_commit AS flush, @@log_bin AS log')).toEqual([
    { flush: 1, log: 0 },
  ]);
  const port = new URL(databaseUrl).port;
  for (const user of ['root', 'sluice', 'anyone']) {
    await expect(query(`mysql://${user}@127.0.0.1:${port}/mysql`, 'SELECT 1')).rejects.toThrow(/denied/);
  }
});

test('the account of Sluice had all rights on the whole server and could hand them on, also in an older data folder', async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = await startBoth(t, dataDir);
  const administrator = await asAdministrator(dataDir, first.databaseUrl);
  await query(administrator, "GRANT ALL PRIVILEGES ON *.* TO 'sluice'@'127.0.0.1' WITH GRANT OPTION");
  await first.close();
  const { databaseUrl } = await startBoth(t, dataDir);
  const grants = (await query(databaseUrl, 'SHOW GRANTS')) as Record<string, string>[];
  const lines = grants.flatMap((row) => Object.values(row).map((line) => line.replaceAll('`', '')));
  expect(lines.map((line) => line.replace(/ IDENTIFIED BY .*/, '')).sort()).toEqual([
    `GRANT ${LEDGER_RIGHTS} ON sluice.* TO sluice@127.0.0.1`,
    'GRANT USAGE ON *.* TO sluice@127.0.0.1',
  ]);
  for (const statement of ['CREATE DATABASE another', 'SELECT user FROM mysql.user', 'SET GLOBAL read_only = 1']) {
    await expect(query(databaseUrl, statement)).rejects.toThrow(/denied/);
  }
});

test('Redis and the database come back on the same port with their data after kill -9', async (t) => {
  const dataDir = await temporaryFolder(t);
  const { redisUrl, databaseUrl, lines } = await startBoth(t, dataDir);
  const client = redisClient(t, redisUrl);
  await client.set('admitted', '42');
  await query(databaseUrl, 'CREATE TABLE issued AS SELECT 42 AS seq');
  const before = [recorded(dataDir, 'redis'), recorded(dataDir, 'database')];
  for (const { pid } of before) process.kill(pid, 'SIGKILL');

  await until('both are up again', () => lines.filter((line) => line.includes('up again')).length === 2);
  expect(await client.get('admitted')).toBe('42');
  expect(await query(databaseUrl, 'SELECT seq FROM issued')).toEqual([{ seq: 42 }]);
  expect(recorded(dataDir, 'redis').pid).not.toBe(before[0]!.pid);
  expect(lines).toContainEqual('redis: ended (SIGKILL); starting it again in 100 ms');
});

test('a stop during the start of a server that had died does not hang', async (t) => {
  const dataDir = await temporaryFolder(t);
  for (let round = 0; round < 5; round += 1) {
    const services = await startBoth(t, dataDir);
    const { pid } = recorded(dataDir, 'database');
    process.kill(pid, 'SIGKILL');
    await until('its death is told', () => services.lines.length === 1);
    const again = await until('the next life', () => {
      const now = recordExists(dataDir, 'database') ? recorded(dataDir, 'database') : undefined;
      return now?.pid === pid ? undefined : now;
    });
    await services.close();
    expect(isAlive(again)).toBe(false);
  }
});

test('SIGTERM to the whole program while its servers start leaves nothing behind', async (t) => {
  const dataDir = await temporaryFolder(t);
  const parent = spawnParent(t, dataDir);
  await until('both have begun', () => ['redis', 'database'].every((name) => recordExists(dataDir, name as 'redis')));
  const servers = [recorded(dataDir, 'redis'), recorded(dataDir, 'database')];
  parent.kill('SIGTERM');
  expect(await once(parent, 'exit')).toEqual([0, null]);
  expect(servers.map(isAlive)).toEqual([false, false]);
});

test('a second start on the same folder is refused and told who has it', async (t) => {
  const dataDir = await temporaryFolder(t);
  const parent = spawnParent(t, dataDir);
  const { redisUrl } = await urlsOf(parent);
  const second = startLocalServices({ dataDir, redis: true, database: true, report: () => undefined });
  await expect(second).rejects.toMatchObject({
    code: 'conflict',
    message: `a Sluice (pid ${parent.pid}) is already running on the data folder ${dataDir}; stop it, or set DATA_DIR to another folder`,
  });
  expect(await redisClient(t, redisUrl).ping()).toBe('PONG');
});

test('a recycled pid is not killed, neither as a server nor as the owner of the lock', async (t) => {
  const dataDir = await temporaryFolder(t);
  const bystander = spawn('sleep', ['infinity']);
  t.onTestFinished(() => void bystander.kill('SIGKILL'));
  const identity = identityOf(bystander.pid!)!;
  const earlier = JSON.stringify({ ...identity, startedAt: `${identity.startedAt}0` });
  for (const name of ['redis.pid', 'database.pid', 'lock']) await writeFile(join(dataDir, name), earlier);

  await (await startBoth(t, dataDir)).close();
  expect(isAlive(identity)).toBe(true);
});

test('a kept port that somebody else has taken is given up for another', async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = await startBoth(t, dataDir);
  await first.close();
  const intruder = createServer().listen(Number(new URL(first.redisUrl).port), '127.0.0.1');
  t.onTestFinished(() => void intruder.close());
  await once(intruder, 'listening');
  const second = await startBoth(t, dataDir);
  expect(new URL(second.redisUrl).port).not.toBe(new URL(first.redisUrl).port);
  expect(second.databaseUrl).toBe(first.databaseUrl);
  expect(await redisClient(t, second.redisUrl).ping()).toBe('PONG');
});

test('a server that cannot start says why, and what was started beside it is stopped', async (t) => {
  const dataDir = await temporaryFolder(t);
  await (await startBoth(t, dataDir)).close();
  const data = join(dataDir, 'redis', 'appendonlydir');
  const manifest = (await readdir(data)).find((name) => name.endsWith('.manifest'))!;
  await writeFile(join(data, manifest), 'not a manifest\n');

  await expect(startBoth(t, dataDir)).rejects.toMatchObject({
    code: 'redis-unavailable',
    message: expect.stringMatching(/manifest/i),
  });
  expect([recordExists(dataDir, 'redis'), recordExists(dataDir, 'database')]).toEqual([false, false]);
  const log = await readFile(join(dataDir, 'database.log'), 'utf8');
  expect(log).toMatch(/Shutdown complete/);
});

test('a server that starts does not delete the temporary tables of another', async (t) => {
  const dataDir = await temporaryFolder(t);
  const { databaseUrl } = await startBoth(t, dataDir);
  expect(await query(databaseUrl, 'SELECT @@tmpdir AS dir')).toEqual([{ dir: join(dataDir, 'mysql.tmp') }]);
});

test('a data folder may have a long path with spaces', async (t) => {
  const dataDir = join(await temporaryFolder(t), 'My Projects é', 'x'.repeat(100), '.data');
  const { redisUrl, databaseUrl } = await startBoth(t, dataDir);
  expect(await redisClient(t, redisUrl).config('GET', 'dir')).toEqual(['dir', join(dataDir, 'redis')]);
  expect(await query(databaseUrl, 'SELECT @@datadir AS dir')).toEqual([{ dir: `${join(dataDir, 'mysql')}/` }]);
});

test('nothing is started, and no folder made, when both addresses were given', async (t) => {
  const dataDir = join(await temporaryFolder(t), 'data');
  const services = await startLocalServices({ dataDir, redis: false, database: false, report: () => undefined });
  expect(services).toMatchObject({ banner: [] });
  await services.close();
  await expect(readdir(dataDir)).rejects.toThrow(/ENOENT/);
});

function pairs(reply: unknown): Record<string, string> {
  const flat = reply as string[];
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]!]] : [])));
}
