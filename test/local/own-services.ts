// What the tests of the private services share: starting them here or in another process, and looking at their processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import type { TestContext } from 'vitest';
import { findDatabase, findRedis } from '../../src/local/binaries.mjs';
import { isAlive, type ProcessIdentity } from '../../src/local/process-identity.ts';
import { startLocalServices } from '../../src/local/services.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { temporaryFolder } from '../helpers/own-names.ts';
import { until } from '../helpers/until.ts';

/** Both servers, closed when the test ends. `lines` holds what was reported. */
export async function startBoth(t: TestContext, dataDir: string) {
  const lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  const services = await startLocalServices({ dataDir, redis: true, database: true, report });
  t.onTestFinished(() => services.close());
  return { ...services, redisUrl: services.redisUrl!, databaseUrl: services.databaseUrl!, lines };
}

/** Both servers as children of a process of their own. */
export function spawnParent(t: TestContext, dataDir: string, searchPath?: string): ChildProcess {
  const program = fileURLToPath(new URL('parent.ts', import.meta.url));
  const parent = spawn(process.execPath, [program, dataDir, ...(searchPath === undefined ? [] : [searchPath])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.onTestFinished(async () => {
    if (parent.exitCode !== null || parent.signalCode !== null) return;
    parent.kill('SIGTERM');
    await once(parent, 'exit');
  });
  return parent;
}

/** The addresses that the parent tells once its servers answer. */
export async function urlsOf(parent: ChildProcess): Promise<{ redisUrl: string; databaseUrl: string }> {
  for await (const line of createInterface({ input: parent.stdout! })) return JSON.parse(line);
  throw new Error('the parent ended without addresses');
}

export function recorded(dataDir: string, name: 'redis' | 'database'): ProcessIdentity {
  return JSON.parse(readFileSync(join(dataDir, `${name}.pid`), 'utf8')) as ProcessIdentity;
}

export const recordExists = (dataDir: string, name: 'redis' | 'database'): boolean =>
  existsSync(join(dataDir, `${name}.pid`));

/** Waits until none of these processes lives. */
export const gone = (identities: readonly ProcessIdentity[]) =>
  until(`an end of ${identities.map(({ pid }) => pid).join(' and ')}`, () => !identities.some(isAlive));

export function redisClient(t: TestContext, url: string): Redis {
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  t.onTestFinished(() => client.disconnect());
  return client;
}

export async function query(url: string, sql: string): Promise<unknown> {
  const connection: Connection = await createConnection({ uri: url, connectTimeout: DEADLINE_MS });
  try {
    const [rows] = await connection.query(sql);
    return rows;
  } finally {
    connection.destroy();
  }
}

/** Folders to look in where there is no setpriv, as on macOS: there nothing ties a server to its parent. */
export async function searchPathWithoutSetpriv(t: TestContext): Promise<string> {
  const folder = await temporaryFolder(t);
  const database = findDatabase()!;
  symlinkSync(findRedis()!.path, join(folder, 'redis-server'));
  symlinkSync(database.path, join(folder, database.product === 'MariaDB' ? 'mariadbd' : 'mysqld'));
  if (database.installer !== undefined) symlinkSync(database.installer, join(folder, 'mariadb-install-db'));
  return folder;
}
