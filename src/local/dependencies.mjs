// The npm packages are those of the lock file, and a Node that runs TypeScript is among them or runs us already.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The first Node that runs .ts files without a warning and has the hooks of our telemetry: see "engines". */
const NODE_MIN = [24, 11, 1];

/**
 * Runs `npm ci` unless node_modules is of this lock file. Returns what is wrong, in words for a person, or undefined.
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {string | undefined}
 */
export function installDependencies(root, say) {
  const stamp = join(root, 'node_modules', '.sluice-lock');
  const wanted = stampOf(root);
  if (readIfThere(stamp) === wanted) return undefined;
  if (!isInstalled(root)) {
    const first = !existsSync(join(root, 'node_modules'));
    say(`installing the npm packages (${first ? 'first start' : 'the lock file has changed'}; about 200 MB on disk)`);
    if (!npmCi(root)) return 'npm ci failed; its message is above. Fix that, then run npm ci.';
  }
  const problem = missingNode(root, say);
  if (problem === undefined) writeFileSync(stamp, wanted);
  return problem;
}

/** The lock file by content, because a checkout changes times; the platform, because packages hold programs of one. */
/** @param {string} root */
function stampOf(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${process.platform}-${process.arch} ${createHash('sha256').update(lock).digest('hex')}\n`;
}

/** Whether somebody ran npm before us: its own list of what is installed has all that the lock file asks for. */
/** @param {string} root */
function isInstalled(root) {
  const wanted = lockedPackages(join(root, 'package-lock.json'));
  const present = lockedPackages(join(root, 'node_modules', '.package-lock.json'));
  return Object.entries(wanted).every(([place, { version, optional = false }]) => {
    const found = present[place];
    return place === '' || (found === undefined ? optional : found.version === version);
  });
}

/** @param {string} file */
function lockedPackages(file) {
  /** @type {Record<string, { version?: string, optional?: boolean }>} */
  const packages = JSON.parse(readIfThere(file) ?? '{}').packages ?? {};
  return packages;
}

/** @param {string} root */
function npmCi(root) {
  const { npm_execpath: npm, npm_node_execpath: node = process.execPath } = process.env;
  // npm's own Node: the one of node_modules may be running us, and npm ci removes it before it is brought again.
  const [command, before] = npm === undefined ? ['npm', []] : [node, [npm]];
  // Errors only: under an old Node every package that wants a newer one is worth a warning to npm, and Node 26 is coming.
  const args = [...before, 'ci', '--loglevel=error', '--progress=true'];
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

/**
 * @param {string} root
 * @param {(line: string) => void} say
 */
function missingNode(root, say) {
  const brought = join(root, 'node_modules', '.bin', 'node');
  if (spawnSync(brought, ['--version']).status === 0) return undefined;
  if (isNewEnough(process.versions.node)) {
    // A Node for another C library would be found before the good one.
    rmSync(brought, { force: true });
    say(`the npm packages have no Node for ${process.platform}-${process.arch}; using ${process.version}`);
    return undefined;
  }
  const wanted = NODE_MIN.join('.');
  return `Node >= ${wanted} is needed: this is ${process.version}, and the npm packages have no Node for ${process.platform}-${process.arch}. Install one from https://nodejs.org and run this again.`;
}

/** @param {string} version */
function isNewEnough(version) {
  const parts = version.split('.').map(Number);
  const first = NODE_MIN.findIndex((part, index) => part !== parts[index]);
  return first === -1 || Number(parts[first]) > Number(NODE_MIN[first]);
}

/** @param {string} file */
function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
