// Databases of a run: one of its own on a shared server, or a server of its own where the server itself is hurt.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { startLocalServices } from '../../../src/local/services.ts';
import { asAdministrator } from '../../helpers/database-administrator.ts';
import type { Owner } from '../../helpers/tcp-proxy.ts';

export type Row = Record<string, unknown>;

export interface Database {
  url: string;
  /** Raw statements on a connection past every fault. */
  sql: (statement: string, params?: unknown[]) => Promise<Row[]>;
  /** A connection of its own, for locks. Closed with the run. */
  connect: () => Promise<mysql.Connection>;
}

export interface DatabaseServer extends Database {
  /** Of the server process there is now; one that dies is started again, as by `npm start`. */
  pid: () => number;
  /** Where its tables are. */
  dataFolder: string;
}

const DROP_WAIT_SECONDS = 10;

/** A database on the server of `serverUrl` that goes away with the run. */
export async function makeDatabase(t: Owner, serverUrl: string): Promise<Database> {
  const name = `faults_${randomBytes(5).toString('hex')}`;
  const admin = await mysql.createConnection({ uri: serverUrl });
  await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  await admin.end();
  t.onTestFinished(() => dropDatabase(serverUrl, name));
  return onDatabase(t, Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href);
}

/** A transaction of a process that was killed would make it wait for a day: nobody is left who could need one. */
async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  const admin = await mysql.createConnection({ uri: serverUrl, connectTimeout: 5_000 });
  try {
    await admin.query(`SET lock_wait_timeout = ${DROP_WAIT_SECONDS}`);
    const [left] = await admin.query<mysql.RowDataPacket[]>(
      'SELECT id FROM information_schema.processlist WHERE db = ?',
      [name],
    );
    // Some have gone since.
    for (const { id } of left) await admin.query(`KILL ${Number(id)}`).catch(() => undefined);
    await admin.query({ sql: `DROP DATABASE ${name}`, timeout: 2 * DROP_WAIT_SECONDS * 1_000 });
  } finally {
    admin.destroy();
  }
}

/** A server with its data below `folder`. */
export async function startDatabaseServer(t: Owner, folder: string): Promise<DatabaseServer> {
  const dataDir = join(folder, 'database');
  const services = await startLocalServices({ dataDir, redis: false, database: true, report: () => undefined });
  t.onTestFinished(() => services.close());
  const pid = () => (JSON.parse(readFileSync(join(dataDir, 'database.pid'), 'utf8')) as { pid: number }).pid;
  // One that stands still could not be stopped.
  t.onTestFinished(() => void process.kill(pid(), 'SIGCONT'));
  return {
    ...onDatabase(t, await asAdministrator(dataDir, services.databaseUrl!)),
    pid,
    dataFolder: join(dataDir, 'mysql'),
  };
}

function onDatabase(t: Owner, url: string): Database {
  let shared: mysql.Connection | undefined;
  const connect = async () => {
    const connection = await mysql.createConnection({ uri: url, timezone: 'Z', supportBigNumbers: true });
    connection.on('error', () => undefined);
    t.onTestFinished(() => connection.destroy());
    return connection;
  };
  const sql = async (statement: string, params: unknown[] = []) => {
    shared ??= await connect();
    try {
      return (await shared.query(statement, params))[0] as Row[];
    } catch (error) {
      if ((error as { errno?: number }).errno === undefined || (error as { fatal?: boolean }).fatal) shared = undefined;
      throw error;
    }
  };
  return { url, sql, connect };
}
