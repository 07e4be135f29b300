import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { findProgram, findRedis, serverSearchPath } from '../../src/local/binaries.mjs';
import { packageOf } from '../../src/local/server-package.ts';
import { MAIN, openPlace, startSluice } from '../start/sluice.ts';

const redis = findRedis()!.path;
const dpkgQuery = findProgram(['dpkg-query'], serverSearchPath());
const hasPackage = dpkgQuery !== undefined && spawnSync(dpkgQuery, ['--search', redis]).status === 0;

test.skipIf(!hasPackage)('the package of the Redis on this machine is known, with its whole version', async () => {
  const found = (await packageOf(redis))!;
  const version = spawnSync(dpkgQuery!, ['-W', '-f', '$' + '{Version}', found.name], { encoding: 'utf8' }).stdout;
  expect(found).toEqual({ name: expect.stringMatching(/^(redis|valkey)/), version, patched: expect.any(Array) });
  for (const id of found.patched) expect(id).toMatch(/^CVE-\d{4}-\d{4,}$/);
});

test('a program that no package brought has none', async () => {
  expect(await packageOf(import.meta.filename)).toBeUndefined();
  expect(await packageOf('/nowhere/redis-server')).toBeUndefined();
});

test.skipIf(!hasPackage)(
  'npm start does not begin with a warning that goes by the version number alone',
  {
    timeout: 120_000,
  },
  async (t) => {
    const sluice = await startSluice(t, await openPlace(t), { command: [...MAIN, '--no-rehearsal'] });
    const warned = sluice
      .output()
      .split('\n')
      .filter((line) => line.includes('"check":"redis-holes"'));
    const { version } = (await packageOf(redis))!;
    for (const line of warned) expect(line).toContain(version);
    expect(sluice.output()).not.toContain('by the version number alone');
  },
);
