import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, type TestContext, test } from 'vitest';
import { type ChildPlan, superviseChild } from '../../src/local/supervised-child.ts';
import { until } from '../helpers/until.ts';

function planOf(t: TestContext, script: string) {
  const lines: string[] = [];
  const pids: number[] = [];
  t.onTestFinished(() => pids.forEach(killIfThere));
  const plan: ChildPlan = {
    name: 'worker',
    start: () => {
      const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      pids.push(child.pid!);
      return child;
    },
    ready: async (child) => void (await once(child.stdout!, 'data')),
    report: (line) => lines.push(line),
    stopMs: 500,
  };
  return { plan, lines, pids };
}

const STAYS = 'setInterval(() => {}, 1000); console.log("ready")';

test('a child that dies is started again, later each time, and every time it is said', async (t) => {
  const { plan, lines, pids } = planOf(t, STAYS);
  const child = await superviseChild(plan);
  for (const waitMs of [100, 200, 400]) {
    const { length } = lines;
    process.kill(child.pid()!, 'SIGKILL');
    await until('it is up again', () => lines.length === length + 2);
    expect(lines[length]).toBe(`worker: ended (SIGKILL); starting it again in ${waitMs} ms`);
    expect(lines[length + 1]).toMatch(/^worker: up again after \d+ ms$/);
  }
  expect(child.pid()).toBe(pids[3]);
  await child.stop();
  expect(pids).toHaveLength(4);
});

test('a child that never gets ready makes the start fail with its reason', async (t) => {
  const { plan } = planOf(t, 'process.exit(7)');
  await expect(superviseChild(plan)).rejects.toThrow('worker ended before it was ready (exit code 7)');
});

test('a program that does not exist makes the start fail', async (t) => {
  const { plan } = planOf(t, '');
  const start = () => spawn('/nowhere/worker');
  await expect(superviseChild({ ...plan, start, ready: () => new Promise(() => {}) })).rejects.toThrow(/ENOENT/);
});

test('a child that ignores SIGTERM is killed when its time is over', async (t) => {
  const { plan, lines } = planOf(t, `process.on("SIGTERM", () => {}); ${STAYS}`);
  const child = await superviseChild(plan);
  const pid = child.pid()!;
  await child.stop();
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  expect(lines).toEqual([]);
});

test('a stop between two lives starts no third', async (t) => {
  const { plan, pids } = planOf(t, STAYS);
  const said = Promise.withResolvers<string>();
  const child = await superviseChild({ ...plan, report: said.resolve });
  process.kill(child.pid()!, 'SIGKILL');
  // In the turn in which the death is told: no timer can have started the next life yet.
  expect(await said.promise).toMatch(/starting it again/);
  await child.stop();
  expect(pids).toHaveLength(1);
  expect(child.pid()).toBeUndefined();
  await child.stop();
});

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Already gone: what the test wanted.
  }
}
