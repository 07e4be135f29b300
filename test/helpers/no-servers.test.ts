import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { runVitest } from './inner-vitest.ts';
import { testFiles } from './plan.ts';
import { ROOT } from './root.ts';

function run(t: TestContext, body: string) {
  const setup = JSON.stringify(join(ROOT, 'test/helpers/no-servers.ts'));
  return runVitest(t, {
    'vitest.config.ts': `export default { test: { setupFiles: [${setup}] } };`,
    'test/a.test.ts': `import { spawn } from 'node:child_process';
      import { createServer } from 'node:http';
      import { expect, test } from 'vitest';
      test('a', () => { ${body} });`,
  });
}

test('a test of test:unit that starts nothing passes', async (t) => {
  expect(await run(t, 'expect([spawn, createServer]).toHaveLength(2);')).toMatchObject({ status: 0 });
});

test.for<[string, string, string]>([
  ['starts a program', "spawn('redis-server');", 'spawn redis-server'],
  ['listens', 'createServer().listen(0);', 'listen'],
  ['listens in code that swallows the error', 'try { createServer().listen(0); } catch {}', 'listen'],
])('a test of test:unit that %s fails and is told why', async ([, body, what], t) => {
  const { status, stdout } = await run(t, body);
  expect(status).toBe(1);
  expect(stdout).toContain(`a test of test:unit opened a server or a program (${what})`);
});

test('files are told apart by what they open', () => {
  const { served, own, pure } = testFiles();
  expect(served).toContain('test/http/joins.test.ts');
  // It starts a Redis, and nothing of the run: it was among those that need no server.
  expect(own).toContain('test/redis/faults.test.ts');
  expect(pure).toContain('test/domain/ticket.test.ts');
});
