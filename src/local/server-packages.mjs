// Brings a Redis and a database to a machine that has none, with the machine's own package manager, or says how to.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findDatabase, findProgram, findRedis } from './binaries.mjs';

/** @typedef {'redis' | 'database'} StoreKind */
/** @typedef {StoreKind | 'haproxy' | 'nginx' | 'promtool' | 'amtool'} ServerKind what only tests need has the name of its program */
/** @typedef {{ names: Record<StoreKind, string> & Partial<Record<ServerKind, string>>, line: string }} PackageManager a kind without a name has its own */

/** What to type, by the program that does it; the first two are also run by us. */
/** @type {Record<string, PackageManager>} */
const PACKAGE_MANAGERS = {
  // The core package has the server without a system service; the services of the others are kept from starting.
  'apt-get': {
    names: {
      redis: 'redis-server',
      database: 'mariadb-server-core',
      promtool: 'prometheus',
      amtool: 'prometheus-alertmanager',
    },
    line: 'sudo apt-get install -y --no-install-recommends',
  },
  brew: {
    names: { redis: 'valkey', database: 'mariadb', promtool: 'prometheus', amtool: 'alertmanager' },
    line: 'brew install',
  },
  dnf: { names: { redis: 'valkey', database: 'mariadb-server' }, line: 'sudo dnf install -y' },
  apk: { names: { redis: 'valkey', database: 'mariadb' }, line: 'sudo apk add' },
  pacman: { names: { redis: 'valkey', database: 'mariadb' }, line: 'sudo pacman -S' },
  zypper: { names: { redis: 'valkey', database: 'mariadb' }, line: 'sudo zypper install -y' },
};

const POLICY = '/usr/sbin/policy-rc.d';
/** Packages of Debian that bring a system service, of their own name, on a well-known port. */
const WITH_SERVICE = ['redis-server', 'haproxy', 'nginx', 'prometheus', 'prometheus-alertmanager'];

/** @type {Partial<Record<ServerKind, (dirs: readonly string[]) => unknown>>} */
const FINDERS = { redis: findRedis, database: findDatabase };

/**
 * Which of `wanted` cannot be found.
 * @template {ServerKind} K
 * @param {readonly K[]} wanted
 * @param {readonly string[]} dirs
 * @returns {K[]}
 */
export function missingServers(wanted, dirs) {
  return wanted.filter((kind) => {
    const find = FINDERS[kind] ?? (() => findProgram([kind], dirs));
    return find(dirs) === undefined;
  });
}

/**
 * Installs what is missing where that needs no password; returns whether it tried.
 * @param {readonly ServerKind[]} missing
 * @param {readonly string[]} commandDirs where the package managers are looked for
 * @param {(line: string) => void} say
 */
export function installServers(missing, commandDirs, say) {
  const manager = managerOf(commandDirs);
  if (manager === 'brew') {
    say(`${inWords(missing)} not found; installing with Homebrew: ${packagesOf(manager, missing).join(' ')}`);
    run(['brew', 'install', ...packagesOf(manager, missing)]);
    return true;
  }
  if (manager !== 'apt-get') return false;
  const asRoot = rootPrefix();
  if (asRoot === undefined) return false;
  const packages = packagesOf(manager, missing);
  say(
    `${inWords(missing)} not found; installing with apt-get, ${asRoot.length > 0 ? 'by sudo' : 'as root'}: ${packages.join(' ')}`,
  );
  aptInstall(asRoot, packages);
  return true;
}

/**
 * What a person can do when a server is missing and was not installed.
 * @param {readonly StoreKind[]} missing
 * @param {readonly string[]} commandDirs
 * @param {Record<StoreKind, string>} variables names of the variables that give an address instead
 * @param {string} command what to run afterwards
 */
export function refusal(missing, commandDirs, variables, command) {
  const addresses = { redis: 'redis://127.0.0.1:6379', database: 'mysql://sluice:sluice@127.0.0.1:3306/sluice' };
  const services = missing.map((kind) => (kind === 'redis' ? 'redis' : 'mysql'));
  return [
    `${inWords(missing)} not found on this machine. Do one of these, then run ${command} again:`,
    '',
    'install it (Sluice runs it by itself, with its data in .data):',
    `  ${commandFor(missing, commandDirs)}`,
    '',
    'or use containers, or servers you have; their addresses in these variables (adapt them to yours):',
    `  docker compose up -d ${services.join(' ')}`,
    ...missing.map((kind) => `  export ${variables[kind]}=${addresses[kind]}`),
  ].join('\n');
}

/**
 * What to say of programs that are missing and were not installed, and that only tests start.
 * @param {readonly ServerKind[]} missing
 * @param {readonly string[]} commandDirs
 */
export function skipping(missing, commandDirs) {
  return `${inWords(missing)} not found: the tests that need them are skipped. To run them: ${commandFor(missing, commandDirs)}`;
}

/**
 * @param {readonly ServerKind[]} missing
 * @param {readonly string[]} commandDirs
 */
function commandFor(missing, commandDirs) {
  const manager = managerOf(commandDirs) ?? 'apt-get';
  return `${PACKAGE_MANAGERS[manager]?.line} ${packagesOf(manager, missing).join(' ')}`;
}

/** @param {readonly ServerKind[]} missing */
function inWords(missing) {
  const words = {
    redis: 'Redis >= 7.0 (or Valkey)',
    database: 'MariaDB (or MySQL)',
    haproxy: 'HAProxy',
    nginx: 'nginx',
    promtool: 'promtool (Prometheus)',
    amtool: 'amtool (Alertmanager)',
  };
  return missing.map((kind) => words[kind]).join(' and ');
}

/** @param {readonly string[]} dirs */
function managerOf(dirs) {
  return Object.keys(PACKAGE_MANAGERS).find((name) => findProgram([name], dirs) !== undefined);
}

/**
 * @param {string} manager
 * @param {readonly ServerKind[]} missing
 */
function packagesOf(manager, missing) {
  /** @type {Record<string, string>} */
  const names = { ...PACKAGE_MANAGERS[manager]?.names };
  return missing.map((kind) => names[kind] ?? kind);
}

/** How to become root without being asked for a password; undefined when there is no way. */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

/**
 * @param {string[]} asRoot
 * @param {string[]} packages
 */
function aptInstall(asRoot, packages) {
  const apt = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  const install = [...apt, 'install', '-y', '--no-install-recommends', ...packages];
  // A dry run needs the lists of packages and no network: without lists, or with old ones, they are fetched first.
  const known = spawnSync('apt-get', ['install', '--simulate', ...packages], { stdio: 'ignore' }).status === 0;
  withoutServices(asRoot, () => {
    if (known && run(install)) return;
    run([...apt, 'update']);
    run(install);
  });
  // Not started now; and not at the next boot either: nobody asked for a server on a well-known port.
  const services = packages.filter((name) => WITH_SERVICE.includes(name));
  if (services.length > 0 && existsSync('/run/systemd/system')) {
    run([...asRoot, 'systemctl', 'disable', '--quiet', ...services]);
  }
}

/**
 * Debian's packages start their services unless policy-rc.d says no (invoke-rc.d(8)). One that is there is left alone.
 * @param {string[]} asRoot
 * @param {() => void} work
 */
function withoutServices(asRoot, work) {
  if (existsSync(POLICY)) return work();
  const drafts = mkdtempSync(join(tmpdir(), 'sluice-setup-'));
  writeFileSync(join(drafts, 'policy-rc.d'), '#!/bin/sh\nexit 101\n');
  // Ctrl-C ends apt-get, not us: the policy has to be taken away again.
  const stay = () => undefined;
  process.on('SIGINT', stay);
  try {
    run([...asRoot, 'install', '-m', '755', join(drafts, 'policy-rc.d'), POLICY]);
    work();
  } finally {
    run([...asRoot, 'rm', '-f', POLICY]);
    rmSync(drafts, { recursive: true, force: true });
    process.off('SIGINT', stay);
  }
}

/** @param {string[]} words */
function run([command = '', ...args]) {
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
}
