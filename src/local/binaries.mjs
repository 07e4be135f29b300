// Finds the server programs on this machine. Plain JavaScript: setup.mjs needs it before any dependency is installed.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @typedef {{ product: 'redis' | 'valkey', path: string, version: string }} RedisProgram */
/** @typedef {{ product: 'MariaDB' | 'MySQL', path: string, version: string, installer?: string }} DatabaseProgram */

/** Streams, XAUTOCLAIM with its list of deleted entries and Lua as the gate uses them: Redis 7.0, every Valkey. */
export const REDIS_MAJOR_MIN = 7;

// Servers live in sbin, which is not on an ordinary user's PATH; Homebrew's folders are not on a service's.
const SERVER_DIRS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin', '/opt/homebrew/sbin'];

/** The folders to look in: PATH first, then where servers are put. */
export function serverSearchPath(path = process.env.PATH ?? '') {
  return [...new Set([...path.split(delimiter).filter((dir) => dir !== ''), ...SERVER_DIRS])];
}

/**
 * The first executable of one of these names, by name first and folder second.
 * @param {readonly string[]} names
 * @param {readonly string[]} dirs
 * @returns {string | undefined}
 */
export function findProgram(names, dirs) {
  return names.flatMap((name) => dirs.map((dir) => join(dir, name))).find(isExecutable);
}

/**
 * A Redis or Valkey that is new enough.
 * @param {readonly string[]} [dirs]
 * @returns {RedisProgram | undefined}
 */
export function findRedis(dirs = serverSearchPath()) {
  for (const name of ['redis-server', 'valkey-server']) {
    const path = findProgram([name], dirs);
    const text = path === undefined ? '' : versionText(path);
    const version = /\bv=(\d+\.\d+\.\d+)/.exec(text)?.[1];
    if (path === undefined || version === undefined || Number.parseInt(version, 10) < REDIS_MAJOR_MIN) continue;
    return { product: /valkey/i.test(text) ? 'valkey' : 'redis', path, version };
  }
  return undefined;
}

/**
 * A MariaDB, with the program that makes its first data folder, or a MySQL, which makes its own.
 * @param {readonly string[]} [dirs]
 * @returns {DatabaseProgram | undefined}
 */
export function findDatabase(dirs = serverSearchPath()) {
  for (const name of ['mariadbd', 'mysqld']) {
    const found = findProgram([name], dirs);
    if (found === undefined) continue;
    // MariaDB's mysqld is a link to mariadbd.
    const path = realpathSync(found);
    const text = versionText(path);
    const version = /\b(?:Ver|from) (\d+\.\d+\.\d+)/.exec(text)?.[1];
    if (version === undefined) continue;
    if (!/mariadb/i.test(text)) return { product: 'MySQL', path, version };
    const installer = findProgram(['mariadb-install-db', 'mysql_install_db'], dirs);
    if (installer !== undefined) return { product: 'MariaDB', path, version, installer };
  }
  return undefined;
}

/** @param {string} path */
function versionText(path) {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return stdout ?? '';
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
