import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, type TestContext, test, vi } from 'vitest';
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
    ready: untilSaid,
    report: (line) => lines.push(line),
    stopMs: 500,
  };
  return { plan, lines, pids };
}

const untilSaid = async (child: ChildProcess) => void (await once(child.stdout!, 'data'));

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

test('a child that dies before it is ready is not called up, waits longer each time, and no longer than the bound', async (t) => {
  const { plan, lines } = planOf(t, STAYS);
  let startCount = 0;
  const start = () => {
    startCount += 1;
    return startCount === 1 ? plan.start() : spawn(process.execPath, ['-e', 'process.exit(7)']);
  };
  const restarts = { minMs: 10, maxMs: 40, stableMs: 0 };
  const child = await superviseChild({ ...plan, start, ready: untilSaid, restarts });
  expect(child.isUp()).toBe(true);
  process.kill(child.pid()!, 'SIGKILL');
  await vi.waitFor(() => expect(lines.length).toBeGreaterThan(5), 60_000);
  expect(child.isUp()).toBe(false);
  await child.stop();
  const early = (waitMs: number) =>
    `worker: ended before it was ready (exit code 7); starting it again in ${waitMs} ms`;
  const after = [20, 40, 40, 40, 40].map(early);
  expect(lines.slice(0, 6)).toEqual(['worker: ended (SIGKILL); starting it again in 10 ms', ...after]);
});

test('a child that was well for long enough waits as little as the first time', async (t) => {
  const { plan, lines } = planOf(t, STAYS);
  const child = await superviseChild({ ...plan, restarts: { minMs: 10, maxMs: 1_000, stableMs: 0 } });
  for (const restart of [1, 2, 3]) {
    process.kill(child.pid()!, 'SIGKILL');
    await vi.waitFor(() => expect(lines).toHaveLength(2 * restart), 60_000);
    expect(lines[2 * restart - 2]).toBe('worker: ended (SIGKILL); starting it again in 10 ms');
  }
  await child.stop();
});

test('a child that may be stopped while it starts is, and does not have to get ready first', async (t) => {
  const { plan, pids } = planOf(t, STAYS);
  let startCount = 0;
  const ready = (child: ChildProcess) => (++startCount === 1 ? untilSaid(child) : new Promise<void>(() => undefined));
  const child = await superviseChild({ ...plan, ready, mayStopStarting: true, stopMs: 600_000 });
  process.kill(child.pid()!, 'SIGKILL');
  await vi.waitFor(() => expect(pids).toHaveLength(2), 60_000);
  await child.stop();
  expect(() => process.kill(pids[1]!, 0)).toThrow(/ESRCH/);
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
