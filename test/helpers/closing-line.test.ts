import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { runVitest } from './inner-vitest.ts';
import { ROOT } from './root.ts';

/** Runs vitest on these files with the closing line. */
function run(t: TestContext, files: Record<string, string>) {
  const reporter = join(ROOT, 'test/helpers/closing-line.ts');
  const config = `import { closingLine } from ${JSON.stringify(reporter)};
    export default { test: { reporters: ['default', closingLine()], globalSetup: ['setup.ts'] } };`;
  const setup = 'export default () => () => console.log("teardown speaks");';
  return runVitest(t, { 'vitest.config.ts': config, 'setup.ts': setup, ...files });
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
