// Keeps one child process alive: starts it, waits until it answers, starts it again when it dies, stops it in the end.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ChildPlan {
  /** As people know it; begins every reported line. */
  name: string;
  start: () => ChildProcess;
  /** Resolves once the child does its work; rejects when it will not. `gone` is aborted when the child has ended. */
  ready: (child: ChildProcess, gone: AbortSignal) => Promise<void>;
  report: (line: string) => void;
  /** How long a child that was asked to stop may take before it is killed. */
  stopMs: number;
}

export interface SupervisedChild {
  /** The pid of the child that lives now; undefined between two. */
  pid(): number | undefined;
  /** Stops the child for good: SIGTERM, and SIGKILL after `stopMs`. Returns when it is gone; may be called again. */
  stop(): Promise<void>;
}

/** The wait before a restart, doubled each time; a child that stayed up longer than the longest begins anew. */
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5_000;

interface Life {
  child: ChildProcess;
  /** How it ended: a signal's name or an exit code in words. */
  ended: Promise<string>;
  up: Promise<void>;
}

/** Starts the child and resolves when it is ready. Rejects when the first start fails; later ones are tried for ever. */
export async function superviseChild(plan: ChildPlan): Promise<SupervisedChild> {
  const stopping = new AbortController();
  const now: { life: Life | undefined } = { life: beginLife(plan) };
  const first = now.life!;
  try {
    await first.up;
  } catch (error) {
    await endLife(first, plan.stopMs);
    throw error;
  }
  const kept = keepAlive(plan, now, stopping.signal);
  return {
    pid: () => now.life?.child.pid,
    stop: async () => {
      stopping.abort();
      if (now.life !== undefined) await endLife(now.life, plan.stopMs);
      await kept;
    },
  };
}

async function keepAlive(plan: ChildPlan, now: { life: Life | undefined }, stopping: AbortSignal): Promise<void> {
  let waitMs = RESTART_MS_MIN;
  for (;;) {
    const upAt = performance.now();
    const how = (await now.life?.ended) ?? 'it could not be started';
    now.life = undefined;
    if (stopping.aborted) return;
    if (performance.now() - upAt > RESTART_MS_MAX) waitMs = RESTART_MS_MIN;
    plan.report(`${plan.name}: ended (${how}); starting it again in ${waitMs} ms`);
    await sleep(waitMs, undefined, { signal: stopping }).catch(() => undefined);
    if (stopping.aborted) return;
    waitMs = Math.min(waitMs * 2, RESTART_MS_MAX);
    await tryAgain(plan, now, stopping);
  }
}

async function tryAgain(plan: ChildPlan, now: { life: Life | undefined }, stopping: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  try {
    now.life = beginLife(plan);
    await now.life.up;
    if (!stopping.aborted) plan.report(`${plan.name}: up again after ${Math.round(performance.now() - startedAt)} ms`);
  } catch (error) {
    if (!stopping.aborted) plan.report(`${plan.name}: ${error instanceof Error ? error.message : String(error)}`);
    if (now.life !== undefined) await endLife(now.life, plan.stopMs);
  }
}

function beginLife(plan: ChildPlan): Life {
  const gone = new AbortController();
  const child = plan.start();
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.on('error', (error) => {
      // A child that never began has no exit to wait for; other errors (a failed kill) leave it running.
      if (child.pid === undefined) resolve(error.message);
    });
  }).finally(() => gone.abort());
  const early = ended.then((how) => {
    throw new Error(`${plan.name} ended before it was ready (${how})`);
  });
  const up = Promise.race([early, plan.ready(child, gone.signal)]);
  // Whoever stops the child during its start does not wait for this promise.
  up.catch(() => undefined);
  return { child, ended, up };
}

async function endLife({ child, ended, up }: Life, stopMs: number): Promise<void> {
  const timer = new AbortController();
  const late = sleep(stopMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const);
  // Not before it is ready: mariadbd hangs for ever when SIGTERM reaches it at the end of its start.
  await Promise.race([up.catch(() => undefined), ended, late]);
  child.kill('SIGTERM');
  if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL');
  await ended;
  timer.abort();
}
