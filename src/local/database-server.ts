// A private MariaDB or MySQL: durable at every commit, on loopback only, with the database `sluice` in it.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { Fault } from '../domain/fault.ts';
import { LEDGER_RIGHTS } from '../domain/ledger-rights.ts';
import { limits } from '../process/limits.ts';
import { type DatabaseProgram, findDatabase, findProgram } from './binaries.mjs';
import { type DataFolder, keptPassword, keptPort, stopLeftover, writeWhole } from './data-folder.ts';
import { type LocalServer, superviseServer } from './server-process.ts';

export interface DatabaseServerOptions {
  folder: DataFolder;
  searchPath: readonly string[];
  report: (line: string) => void;
}

const NAME = 'database';
/** sun_path holds 108 bytes on Linux and 104 on macOS, the end mark included. */
const SOCKET_PATH_CHARS_MAX = 100;

/** Starts it on `<data folder>/mysql`, made first when there is none, and resolves when it has answered a query. */
export async function startDatabaseServer(options: DatabaseServerOptions): Promise<LocalServer> {
  const { folder, searchPath, report } = options;
  const found = findDatabase(searchPath);
  if (found === undefined) throw new Fault('not-found', 'no mariadbd or mysqld found; run npm start');
  const data = join(folder.path, 'mysql');
  await stopLeftover(folder, NAME, limits.localStopMs, report);
  if (!existsSync(data)) await install(found, data, searchPath);
  const temporary = emptyFolder(`${data}.tmp`);
  const port = await keptPort(folder, NAME);
  const password = keptPassword(folder, NAME);
  const accounts = join(folder.path, 'database-accounts.sql');
  writeWhole(accounts, accountStatements(password));

  const args = [
    // First, or the options of /etc/mysql come in.
    '--no-defaults',
    `--datadir=${data}`,
    // Not /tmp: a server that starts deletes the temporary tables it finds, and there they may be another server's.
    `--tmpdir=${temporary}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${socketPath(folder.path, port)}`,
    `--init-file=${accounts}`,
    '--skip-name-resolve',
    '--skip-log-bin',
    '--innodb-flush-log-at-trx-commit=1',
    '--innodb-buffer-pool-size=256M',
    '--max-connections=200',
    '--character-set-server=utf8mb4',
    ...onlyMysql(found),
    ...asRoot(),
  ];
  const probe = () => selectOne(port, password);
  const stop = await superviseServer({ name: NAME, command: found.path, args, probe, ...options });
  return {
    url: `mysql://sluice:${password}@127.0.0.1:${port}/sluice`,
    line: `${found.product} ${found.version}, private, port ${port}, data ${relative('', data)}`,
    stop,
  };
}

/** Makes the data folder beside its place and moves it there whole: a crash in between leaves nothing half made. */
async function install(found: DatabaseProgram, data: string, searchPath: readonly string[]): Promise<void> {
  const draft = emptyFolder(`${data}.draft`);
  // Reached by a path without spaces: at those, mariadb-install-db takes paths apart.
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-install-'));
  const alias = join(scratch, 'data');
  symlinkSync(draft, alias);
  const common = ['--no-defaults', `--datadir=${alias}`, `--tmpdir=${scratch}`, ...asRoot()];
  try {
    if (found.installer === undefined) {
      await promisify(execFile)(found.path, [...common, ...onlyMysql(found), '--initialize-insecure']);
    } else {
      const basedir = findProgram(['my_print_defaults'], searchPath) === undefined ? [standIn(found, scratch)] : [];
      const choices = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve', '--force'];
      await promisify(execFile)(found.installer, [...common, ...basedir, ...choices]);
    }
    renameSync(draft, data);
  } catch (error) {
    const { message, stdout = '' } = error as Error & { stdout?: string };
    throw new Fault('ledger-unavailable', `${found.product} could not create its data folder: ${message}${stdout}`, {
      cause: error,
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * A base folder for mariadb-install-db where `my_print_defaults` is not installed: Debian has that program, of which
 * --no-defaults wants nothing, in a package of client programs. A program that prints nothing does the same.
 */
function standIn({ path }: DatabaseProgram, scratch: string): string {
  const base = join(scratch, 'base');
  for (const folder of ['bin', 'sbin']) mkdirSync(join(base, folder), { recursive: true });
  symlinkSync('/bin/true', join(base, 'bin', 'my_print_defaults'));
  symlinkSync(path, join(base, 'sbin', 'mariadbd'));
  symlinkSync(join(dirname(path), '..', 'share'), join(base, 'share'));
  return `--basedir=${base}`;
}

function emptyFolder(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/**
 * Read by the server at each start, one statement a line. Only `sluice` can come in through the port, and works in its own
 * database alone; `root` comes in through the socket in the data folder. A data folder of before gave `sluice` all rights.
 */
function accountStatements(password: string): string {
  const lines = [
    'CREATE DATABASE IF NOT EXISTS sluice CHARACTER SET utf8mb4;',
    `CREATE USER IF NOT EXISTS 'sluice'@'127.0.0.1' IDENTIFIED BY '${password}';`,
    `ALTER USER 'sluice'@'127.0.0.1' IDENTIFIED BY '${password}';`,
    "REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'sluice'@'127.0.0.1';",
    `GRANT ${LEDGER_RIGHTS} ON sluice.* TO 'sluice'@'127.0.0.1';`,
    `ALTER USER 'root'@'localhost' IDENTIFIED BY '${password}';`,
    "DROP USER IF EXISTS 'root'@'127.0.0.1';",
  ];
  return `${lines.join('\n')}\n`;
}

function socketPath(folder: string, port: number): string {
  const near = join(folder, 'database.sock');
  return near.length < SOCKET_PATH_CHARS_MAX ? near : join(tmpdir(), `sluice-${port}.sock`);
}

/**
 * MySQL's second protocol would listen on a port of its own, and a MySQL whose packages name a folder for imported files
 * does not start without that folder.
 */
const onlyMysql = ({ product }: DatabaseProgram): string[] =>
  product === 'MySQL' ? ['--mysqlx=OFF', '--secure-file-priv=NULL'] : [];

/** mariadbd refuses to run as root unless told to; without root it must not be told. */
const asRoot = (): string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

async function selectOne(port: number, password: string): Promise<void> {
  const connection = await createConnection({
    host: '127.0.0.1',
    port,
    user: 'sluice',
    password,
    database: 'sluice',
    connectTimeout: limits.localProbeMs,
  });
  try {
    await connection.query({ sql: 'SELECT 1', timeout: limits.localProbeMs });
  } finally {
    connection.destroy();
  }
}
