// Makes `npm start` and `npm test` work on a bare machine. Runs before any dependency is there, on the machine's own
// Node (20 or later), each time: when nothing is to do it says nothing and takes a few milliseconds.
//
//   node src/local/setup.mjs [--dependencies-only] [--search-path <folders>]
import { delimiter, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serverSearchPath } from './binaries.mjs';
import { installDependencies } from './dependencies.mjs';
import { installServers, missingServers, refusal, skipping } from './server-packages.mjs';

const { values: options } = parseArgs({
  options: {
    'dependencies-only': { type: 'boolean', default: false },
    // For tests: look for servers there and nowhere else.
    'search-path': { type: 'string' },
  },
});

const testing = process.env.npm_lifecycle_event === 'pretest';
const dirs = options['search-path']?.split(delimiter) ?? serverSearchPath();
const commandDirs = (process.env.PATH ?? '').split(delimiter);

const problem = installDependencies(projectRoot(), say) ?? (options['dependencies-only'] ? undefined : bringServers());
if (problem === undefined && testing) bringTools();
if (problem !== undefined) {
  console.error(`\n${problem}\n`);
  process.exitCode = 1;
}

/** Returns what a person has to do, or undefined when every server that no address was given for is here. */
function bringServers() {
  const variables = testing
    ? { redis: 'TEST_REDIS_URL', database: 'TEST_DATABASE_URL' }
    : { redis: 'REDIS_URL', database: 'DATABASE_URL' };
  const wanted = /** @type {const} */ (['redis', 'database']).filter((kind) => !process.env[variables[kind]]?.trim());
  const before = missingServers(wanted, dirs);
  if (before.length === 0) return undefined;
  const tried = installServers(before, commandDirs, say);
  const missing = tried ? missingServers(wanted, dirs) : before;
  if (missing.length === 0) return undefined;
  return refusal(missing, commandDirs, variables, testing ? 'npm test' : 'npm start');
}

/** Some tests have Sluice behind real proxies, or its rules in a real Prometheus. Without these programs they are skipped. */
function bringTools() {
  bring(['haproxy', 'nginx']);
  bring(['promtool', 'amtool']);
}

/** @param {readonly import('./server-packages.mjs').ServerKind[]} wanted */
function bring(wanted) {
  const before = missingServers(wanted, dirs);
  if (before.length > 0) installServers(before, commandDirs, say);
  const missing = missingServers(before, dirs);
  if (missing.length > 0) say(skipping(missing, commandDirs));
}

function projectRoot() {
  return resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
}

/** @param {string} line */
function say(line) {
  console.error(`setup: ${line}`);
}
