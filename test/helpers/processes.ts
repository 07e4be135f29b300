// Real processes of Sluice for tests: a front, workers, the whole of `npm start`. Killed with the test, whatever it did.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'vitest';
import { DEADLINE_MS } from './deadlines.ts';
import { ownEnvironment } from './own-environment.ts';
import { ROOT } from './root.ts';
import { redisUrl, temporaryFolder } from './services.ts';
import { until } from './until.ts';

export const COUPON_KEY = 'c0'.repeat(32);
export const TICKET_KEY = '7e'.repeat(32);
const ADMIN_TOKEN = 'a-token-for-tests-only';

export interface Running {
  child: ChildProcess;
  pid: number;
  /** All that it printed, both outputs. */
  output: () => string;
  /** Sends the signal and resolves when the process is gone, with how it went. */
  end: (signal?: NodeJS.Signals) => Promise<{ code: number | null; signal: NodeJS.Signals | null; tookMs: number }>;
  /** How it went, when it goes by itself. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts a program of the repository. Its environment is `environment` and PATH: nothing of the caller's leaks in. */
export function startProgram(t: TestContext, command: string[], environment: Record<string, string> = {}): Running {
  const [file, ...args] = command as [string, ...string[]];
  // A group of its own, as in a terminal: a test that fails leaves nothing of it behind.
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { ...ownEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    const askedAt = performance.now();
    child.kill(signal);
    return { ...(await ended), tookMs: performance.now() - askedAt };
  };
  t.onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const tree = [child.pid, ...descendantsOf(child.pid)];
    for (const pid of tree) signalIfThere(pid, 'SIGKILL');
    await ended;
  });
  return { child, pid: child.pid ?? 0, output: () => text, end, ended };
}

/** Waits until the program has printed something that matches; fails with its output when it ends before. */
export async function untilPrinted(program: Running, pattern: RegExp, withinMs = DEADLINE_MS) {
  return until(`${pattern} printed`, withinMs, () => {
    const { exitCode, signalCode } = program.child;
    const found = program.output().match(pattern);
    if (!found && (exitCode ?? signalCode) !== null) {
      throw new Error(`it ended (${exitCode ?? signalCode}) before it printed ${pattern}:\n${program.output()}`);
    }
    return found;
  });
}

export interface Stores {
  redisUrl: string;
  databaseUrl: string;
}

const secrets = { COUPON_KEY, TICKET_KEYS: `1:${TICKET_KEY}`, ADMIN_TOKEN, TELEMETRY: 'off' };

/** What the stores can keep, or the start is refused: the Redis that all tests share does not wait for its disk. */
const promiseOf = (stores: Stores) => ({ DURABILITY: stores.redisUrl === redisUrl() ? 'memory' : 'disk' });

/** A front without workers on these stores; resolves when it answers. */
export async function startFront(t: TestContext, stores: Stores, environment: Record<string, string> = {}) {
  const dataDir = await temporaryFolder(t);
  const program = startProgram(t, [process.execPath, 'src/main.ts', '--no-rehearsal'], {
    ...secrets,
    ...promiseOf(stores),
    REDIS_URL: stores.redisUrl,
    DATABASE_URL: stores.databaseUrl,
    DATA_DIR: dataDir,
    PORT: '0',
    ADMIN_PORT: '0',
    WORKERS: '0',
    ...environment,
  });
  const [, url] = await untilPrinted(program, /Sluice sells at +(\S+)/);
  const [, adminUrl] = await untilPrinted(program, /admin API +(http\S+)/);
  return { ...program, url: url!, adminUrl: adminUrl!, adminToken: ADMIN_TOKEN };
}

/** A worker on these stores; resolves when it issues. */
export async function startWorker(
  t: TestContext,
  stores: Stores,
  name: string,
  environment: Record<string, string> = {},
): Promise<Running> {
  const program = startProgram(t, [process.execPath, 'workers/main.ts'], {
    ...secrets,
    ...promiseOf(stores),
    REDIS_URL: stores.redisUrl,
    DATABASE_URL: stores.databaseUrl,
    WORKER_NAME: name,
    ...environment,
  });
  await untilPrinted(program, /"msg":"issuing"/);
  return program;
}

/** All processes that descend from `pid`, by /proc; children that left its group are among them. */
export function descendantsOf(pid: number): number[] {
  const children = readChildren(pid);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

export const commandOf = (pid: number): string => readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();

function readChildren(pid: number): number[] {
  return readProc(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
