// The rehearsal as a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

const MAIN = join(import.meta.dirname, '../../src/rehearsal/main.ts');

export interface Run {
  child: ChildProcess;
  stdout: string;
  stderr: string;
  code: Promise<number>;
}

export function start(t: TestContext, argv: string[], env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [MAIN, ...argv], { env: { DATA_DIR: '/nowhere', ...env } });
  const run: Run = { child, stdout: '', stderr: '', code: once(child, 'close').then(([code]) => code as number) };
  child.stdout.on('data', (chunk) => {
    run.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    run.stderr += chunk;
  });
  t.onTestFinished(() => void child.kill('SIGKILL'));
  return run;
}

export async function hold(t: TestContext, argv: string[], env?: Record<string, string>) {
  const run = start(t, argv, env);
  const code = await run.code;
  return { ...run, code };
}
