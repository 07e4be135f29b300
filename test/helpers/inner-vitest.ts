// A run of vitest inside a test, on files made for it.
import { spawnSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { temporaryFolder } from './own-names.ts';
import { ROOT } from './root.ts';

/** How it ended; all that it printed, in order, and the last line of it. */
export async function runVitest(t: TestContext, files: Record<string, string>) {
  const root = await temporaryFolder(t);
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  await mkdir(join(root, 'test'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  // One pipe for both outputs: the last line has to be the last of all.
  const command = `exec "$0" "$1" run 2>&1`;
  const { status, stdout } = spawnSync('sh', ['-c', command, process.execPath, vitest], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', VITEST: undefined, VITEST_MODE: undefined },
  });
  return { status, last: stdout.slice(0, -1).split('\n').at(-1), stdout };
}
