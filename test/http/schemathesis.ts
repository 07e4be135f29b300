// Brings Schemathesis, a fuzzer that makes requests of an OpenAPI document: from PyPI, into a folder of its own.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../helpers/root.ts';

const VERSION = '4.32.5';
const FOLDER = join(ROOT, `node_modules/.cache/sluice/schemathesis-${VERSION}`);
/** Written last: a folder without it was left half-way. */
const DONE = join(FOLDER, 'done');
/** For a cold cache and a slow registry; without a network pip gives up sooner. */
const INSTALL_MS = 180_000;

/** Its Python, or why there is none. */
export function findSchemathesis(): { python: string } | { missing: string } {
  const python = join(FOLDER, 'bin/python');
  if (existsSync(DONE)) return { python };
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const made = run('python3', ['-m', 'venv', FOLDER]);
  if (made.status !== 0) return { missing: `python3 -m venv failed: ${wordsOf(made)}` };
  const pip = ['-m', 'pip', 'install', '--quiet', '--retries', '1', '--timeout', '15', `schemathesis==${VERSION}`];
  const installed = run(python, pip);
  if (installed.status !== 0) return { missing: `pip install schemathesis failed: ${wordsOf(installed)}` };
  writeFileSync(DONE, VERSION);
  return { python };
}

const run = (command: string, args: string[]) =>
  spawnSync(command, args, { encoding: 'utf8', timeout: INSTALL_MS, stdio: ['ignore', 'pipe', 'pipe'] });

const wordsOf = ({ error, stderr }: SpawnSyncReturns<string>): string =>
  error?.message ?? stderr?.trim().split('\n').at(-1) ?? '';
