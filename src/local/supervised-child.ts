// Keeps one child process alive: starts it, waits until it answers, starts it again when it dies, stops it in the end.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../process/limits.ts';

export interface ChildPlan {
  /** As people know it; begins every reported line. */
  name: string;
  start: () => ChildProcess;
  /** Resolves once the child does its work; rejects when it will not. `gone` is aborted when the child has ended. */
  ready: (child: ChildProcess, gone: AbortSignal) => Promise<void>;
  report: (line: string) => void;
  /** How long a child that was asked to stop may take before it is killed. */
  stopMs: number;
  /** Whether SIGTERM may reach the child before it is ready; mariadbd hangs when it comes at the end of its start. */
  mayStopStarting?: boolean;
  restarts?: RestartPace;
}

/** The wait before a restart: `minMs`, doubled up to `maxMs`; `minMs` again once a child was ready for `stableMs`. */
export interface RestartPace {
  minMs: number;
  maxMs: number;
  stableMs: number;
}

export interface SupervisedChild {
  /** The pid of the child that lives now; undefined between two. */
  pid(): number | undefined;
  /** Whether the child that lives now is ready. */
  isUp(): boolean;
  /** Stops the child for good: SIGTERM, and SIGKILL after `stopMs`. Returns when it is gone; may be called again. */
  stop(): Promise<void>;
}

const PACE: RestartPace = {
  minMs: limits.restartMinMs,
  maxMs: limits.restartMaxMs,
  stableMs: limits.restartStableMs,
};

interface Life {
  child: ChildProcess;
  /** How it ended: a signal's name or an exit code in words. */
  ended: Promise<string>;
  up: Promise<void>;
  /** When it was ready; undefined until then. */
  upAt: number | undefined;
}

class EndedEarly extends Error {}

/** Starts the child and resolves when it is ready. Rejects when the first start fails; later ones are tried for ever. */
export async function superviseChild(plan: ChildPlan): Promise<SupervisedChild> {
  const stopping = new AbortController();
  const now: { life: Life | undefined } = { life: beginLife(plan) };
  const first = now.life!;
  try {
    await first.up;
  } catch (error) {
    await endLife(first, plan);
    throw error;
  }
  const kept = keepAlive(plan, now, stopping.signal);
  return {
    pid: () => now.life?.child.pid,
    isUp: () => now.life?.upAt !== undefined,
    stop: async () => {
      stopping.abort();
      if (now.life !== undefined) await endLife(now.life, plan);
      await kept;
    },
  };
}

async function keepAlive(plan: ChildPlan, now: { life: Life | undefined }, stopping: AbortSignal): Promise<void> {
  const { minMs, maxMs, stableMs } = plan.restarts ?? PACE;
  let waitMs = minMs;
  for (;;) {
    const how = (await now.life?.ended) ?? 'it could not be started';
    const upAt = now.life?.upAt;
    now.life = undefined;
    if (stopping.aborted) return;
    // A child that was never ready is not well, however long its start has taken.
    if (upAt !== undefined && performance.now() - upAt >= stableMs) waitMs = minMs;
    const ended = upAt === undefined ? 'ended before it was ready' : 'ended';
    plan.report(`${plan.name}: ${ended} (${how}); starting it again in ${waitMs} ms`);
    await sleep(waitMs, undefined, { signal: stopping }).catch(() => undefined);
    if (stopping.aborted) return;
    waitMs = Math.min(waitMs * 2, maxMs);
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
    const why = error instanceof Error ? error.message : String(error);
    if (!stopping.aborted && !(error instanceof EndedEarly)) plan.report(`${plan.name}: ${why}`);
    if (now.life !== undefined) await endLife(now.life, plan);
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
    throw new EndedEarly(`${plan.name} ended before it was ready (${how})`);
  });
  const life: Life = { child, ended, up: Promise.resolve(), upAt: undefined };
  life.up = Promise.race([early, plan.ready(child, gone.signal)]).then(() => {
    life.upAt = performance.now();
  });
  // Whoever stops the child during its start does not wait for this promise.
  life.up.catch(() => undefined);
  return life;
}

async function endLife({ child, ended, up }: Life, { stopMs, mayStopStarting = false }: ChildPlan): Promise<void> {
  const timer = new AbortController();
  const late = sleep(stopMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const);
  if (!mayStopStarting) await Promise.race([up.catch(() => undefined), ended, late]);
  child.kill('SIGTERM');
  if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL');
  await ended;
  timer.abort();
}
