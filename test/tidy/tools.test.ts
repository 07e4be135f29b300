// The tools of `npm run check`, as tests: one command does all that can be checked.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram, serverSearchPath } from '../../src/local/binaries.mjs';
import { loadPreludes } from '../../src/redis/preludes.ts';
import { loadScript } from '../../src/redis/scripts.ts';
import { ROOT } from '../helpers/root.ts';
import { sources } from './sources.ts';

const BIN = join(ROOT, 'node_modules', '.bin');

test.for<[string, ...string[]]>([
  ['tsc'],
  ['tsc', '-p', 'k6'],
  ['biome', 'check', '--colors=off', '.'],
  ['oxlint', '--type-aware'],
  ['knip', '--no-progress'],
])('%s finds nothing', ([tool, ...args]) => {
  expect(findings(join(BIN, tool), args)).toBe('');
});

const luacheck = findProgram(['luacheck'], serverSearchPath());

test.skipIf(luacheck === undefined)('luacheck finds nothing in what Redis runs', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-lua-'));
  t.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of sources('.lua').flatMap((path) => path.match(/^lua\/([\w-]+)\.lua$/)?.[1] ?? [])) {
    writeFileSync(join(folder, `${name}.lua`), loadScript(name).source);
  }
  const args = ['--std', 'lua51', '--globals', 'redis', 'cjson', 'cmsgpack', 'bit', 'struct', 'KEYS', 'ARGV'];
  // A script need not use everything that a fragment defines.
  const unused = [...loadPreludes().values()].flatMap(({ defines }) => defines.map((name) => `211/${name}`));
  const told = findings(luacheck!, [
    '--no-color',
    '--no-max-line-length',
    ...args,
    '--ignore',
    ...unused,
    '--',
    folder,
  ]);
  expect(told).toBe('');
});

/** What a tool that did not succeed has printed. */
function findings(program: string, args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    // Without it some colour their findings when vitest is coloured.
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  return status === 0 ? '' : `${error ?? ''}${stdout}${stderr}`.trim() || `exit code ${status}`;
}
