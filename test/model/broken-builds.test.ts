// The model must be able to fail: each build of broken-builds.ts is caught by a scenario that the whole build passes.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { breakBuild } from '../faults/broken-build.ts';
import { REPOSITORY } from '../faults/stage/sluice.ts';
import { BROKEN } from './broken-builds.ts';
import { FOUND_BY_SEEDS } from './found-by-seeds.ts';
import { GUARDS } from './guards.ts';
import type { Scenario } from './scenario-parts.ts';
import { SCENARIOS } from './scenarios.ts';

for (const { name, patches, scenario, rule } of BROKEN) {
  test(`caught: ${name}`, (t) => {
    const guard = [...SCENARIOS, ...FOUND_BY_SEEDS, ...GUARDS].find((one) => one.name.includes(scenario))!;
    expect(play(REPOSITORY, guard).status, 'the whole build passes').toBe(0);
    const root = breakBuild(t, patches);
    mkdirSync(join(root, 'test/faults/checker'), { recursive: true });
    for (const part of ['test/model', 'test/faults/chance.ts', 'test/faults/checker/names.ts']) {
      cpSync(join(REPOSITORY, part), join(root, part), { recursive: true });
    }
    const { status, stdout } = play(root, guard);
    expect(status, stdout).toBe(1);
    expect(stdout).toContain(`found: ${rule}: `);
  }, 120_000);
}

function play(root: string, { name }: Scenario) {
  const program = join(root, 'test/model/main.ts');
  const { status, stdout } = spawnSync(process.execPath, [program, '--scenario', name], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, stdout };
}
