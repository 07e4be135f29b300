import { spawnSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type TestContext, test } from 'vitest';
import { temporaryFolder } from './services.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Runs vitest on these files with the closing line; everything it printed, in order. */
async function run(t: TestContext, files: Record<string, string>) {
  const root = await temporaryFolder(t);
  await symlink(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  await mkdir(join(root, 'test'));
  const reporter = join(REPOSITORY, 'test/helpers/closing-line.ts');
  const config = `import { closingLine } from ${JSON.stringify(reporter)};
    export default { test: { reporters: ['default', closingLine()], globalSetup: ['setup.ts'] } };`;
  const setup = 'export default () => () => console.log("teardown speaks");';
  for (const [name, text] of Object.entries({ 'vitest.config.ts': config, 'setup.ts': setup, ...files })) {
    await writeFile(join(root, name), text);
  }
  const vitest = join(REPOSITORY, 'node_modules/vitest/vitest.mjs');
  // One pipe for both outputs: the line has to be the last of all.
  const command = `exec "$0" "$1" run 2>&1`;
  const { status, stdout } = spawnSync('sh', ['-c', command, process.execPath, vitest], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', VITEST: undefined, VITEST_MODE: undefined },
  });
  return { status, last: stdout.slice(0, -1).split('\n').at(-1), stdout };
}

const HEAD = "import { beforeAll, describe, expect, test } from 'vitest';\n";
const PASSES = `${HEAD} test('a', () => {}); test('b', () => {});`;

test('the last line of a good run has its counts alone', async (t) => {
  const { status, last, stdout } = await run(t, { 'test/good.test.ts': PASSES });
  expect([status, last]).toEqual([0, '2 passed, 0 failed']);
  expect(stdout).toMatch(/teardown speaks/);
});

test('tests that fail or are skipped, suites that break and files that cannot be loaded are counted', async (t) => {
  const { status, last } = await run(t, {
    'test/mixed.test.ts': `${PASSES} test('c', () => expect(1).toBe(2)); test.skip('d', () => {});`,
    'test/suite.test.ts': `${HEAD} describe('s', () => { beforeAll(() => { throw new Error('no') }); test('e', () => {}); });`,
    'test/unloadable.test.ts': "import './nowhere.ts';",
  });
  expect([status, last]).toEqual([1, '2 passed, 3 failed, 2 skipped']);
});

test('an error outside of every test is a failure', async (t) => {
  const file = `${HEAD} test('a', async () => { setTimeout(() => { throw new Error('late') }); await new Promise((r) => setTimeout(r, 50)); });`;
  const { status, last } = await run(t, { 'test/late.test.ts': file });
  expect([status, last]).toEqual([1, '1 passed, 1 failed']);
});

test('a run that could not begin is a failure', async (t) => {
  const { status, last } = await run(t, { 'setup.ts': 'throw new Error("no servers");', 'test/a.test.ts': PASSES });
  expect([status, last]).toEqual([1, '0 passed, 1 failed']);
});
