// The bench's own Redis and MariaDB: private, on free loopback ports, on their core, in a folder that goes away.
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { findBinary, freePort, Missing, openFolder, startChild, untilReady } from './processes.ts';

export type Fsync = 'always' | 'everysec' | 'none';

export interface RedisServer extends AsyncDisposable {
  url: string;
  pid: number;
  /** Bytes of data: used memory without what the AOF buffer and the clients' buffers hold at the moment. */
  dataBytes(): Promise<number>;
}

export interface DatabaseServer extends AsyncDisposable {
  pid: number;
  /** A URL of a database of this name, created when it is not there. */
  url(name: string): Promise<string>;
}

export const redisBinary = findBinary('redis-server', 'valkey-server');
export const databaseBinary = findBinary('mariadbd', 'mysqld');

/** AOF rewrites are off: a fork in the middle of a round would be charged to whoever's turn it is. */
export async function startRedis(fsync: Fsync): Promise<RedisServer> {
  if (redisBinary === undefined) throw new Missing('this machine has no redis-server');
  const port = await freePort();
  const aof = ['--appendonly', fsync === 'none' ? 'no' : 'yes', '--auto-aof-rewrite-percentage', '0'];
  if (fsync !== 'none') aof.push('--appendfsync', fsync);
  const place = ['--bind', '127.0.0.1', '--port', String(port), '--dir', openFolder(), '--save', ''];
  const command = [redisBinary, ...place, ...aof, '--maxmemory-policy', 'noeviction'];
  const child = startChild({ role: 'redis', command, stopSignal: 'SIGKILL' });
  const url = `redis://127.0.0.1:${port}`;
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => 50, maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined); // told by untilReady
  await untilReady('redis-server', child, () => redis.ping());
  return {
    url,
    pid: child.pid,
    dataBytes: () => dataBytes(redis),
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await child.stop();
    },
  };
}

async function dataBytes(redis: Redis): Promise<number> {
  const info = await redis.info('memory');
  const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return field('used_memory') - field('mem_clients_normal') - field('mem_aof_buffer');
}

/** Every commit is flushed (innodb-flush-log-at-trx-commit=1), no binary log, UTC. */
export async function startDatabase(): Promise<DatabaseServer> {
  const installer = findBinary('mariadb-install-db');
  if (databaseBinary === undefined || installer === undefined) throw new Missing('this machine has no MariaDB server');
  const folder = openFolder();
  const data = join(folder, 'data');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  await install(installer, databaseBinary, folder, [`--datadir=${data}`, ...user]);
  const port = await freePort();
  const place = [
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 'm.sock')}`,
  ];
  const durability = ['--skip-log-bin', '--innodb-flush-log-at-trx-commit=1', '--default-time-zone=+00:00'];
  const size = ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=1G'];
  const command = [databaseBinary, '--no-defaults', ...place, ...durability, ...size, ...user];
  const child = startChild({ role: 'database', command, stopSignal: 'SIGKILL' });
  const server = { host: '127.0.0.1', port, user: 'root' };
  await untilReady('mariadbd', child, () => run(server, 'select 1'));
  return {
    pid: child.pid,
    async url(name) {
      await run(server, `create database if not exists ${name}`);
      return `mysql://root@127.0.0.1:${port}/${name}`;
    },
    [Symbol.asyncDispose]: child.stop,
  };
}

async function run(server: { host: string; port: number; user: string }, sql: string): Promise<void> {
  const connection = await createConnection(server);
  try {
    await connection.query(sql);
  } finally {
    connection.destroy();
  }
}

async function install(installer: string, server: string, folder: string, options: string[]): Promise<void> {
  const choices = ['--auth-root-authentication-method=normal', '--skip-test-db', '--force'];
  if (findBinary('my_print_defaults') === undefined) {
    // Debian has it among the client programs; of --no-defaults it would print nothing, as `true` does.
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'sbin'));
    symlinkSync('/bin/true', join(folder, 'bin', 'my_print_defaults'));
    symlinkSync(server, join(folder, 'sbin', 'mariadbd'));
    symlinkSync(join(dirname(server), '..', 'share'), join(folder, 'share'));
    choices.push(`--basedir=${folder}`);
  }
  await promisify(execFile)(installer, ['--no-defaults', ...options, ...choices]);
}
