// Children of the bench: pinned to a core, waited for until they really answer, and gone whatever happens to the bench.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOpenFilesMax } from '../src/doctor/open-files.ts';

const READY_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 3_000;
const OUTPUT_CHARS_MAX = 4000;
/** `execFile` looks on PATH; servers often live outside it. */
const BINARY_FOLDERS = ['/usr/local/bin', '/usr/bin', '/usr/local/sbin', '/usr/sbin', '/opt/homebrew/bin'];

/** Which core each role gets. On two cores the contender has one to itself and everything it talks to shares the other. */
export const CORES =
  availableParallelism() >= 4
    ? { contender: 0, load: 1, redis: 2, database: 3 }
    : { contender: 0, load: 1, redis: 1, database: 1 };
export type Role = keyof typeof CORES;

/** Something the machine lacks: the figure is listed as not run, with this message as the reason. */
export class Missing extends Error {}

export interface Child {
  pid: number;
  /** What it printed last, for a message when it fails. */
  output: () => string;
  stop: () => Promise<void>;
}

const running = new Set<ChildProcess>();
const folders = new Set<string>();

/** The path of the first of these programs that the machine has. */
export function findBinary(...names: string[]): string | undefined {
  for (const name of names) {
    for (const folder of BINARY_FOLDERS) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {}
    }
  }
  return undefined;
}

const taskset = findBinary('taskset');
const setpriv = findBinary('setpriv');
export const isPinned = taskset !== undefined;

/** Files that the crowds of the bench take, in one process. */
const OPEN_FILES = 65_536;
const openFilesOption = [`--nofile=${OPEN_FILES}:${OPEN_FILES}`];
/** The program that gives children more open files than the bench has; only where the machine lets it. */
const prlimit = raisesOpenFiles(findBinary('prlimit'));
/** Files that a child may have open: where more is not allowed, as many as the bench itself, whose limit Node has raised. */
export const openFilesMax = prlimit === undefined ? ownOpenFiles() : OPEN_FILES;

function raisesOpenFiles(file: string | undefined): string | undefined {
  if (file === undefined || ownOpenFiles() >= OPEN_FILES) return undefined;
  try {
    execFileSync(file, [...openFilesOption, 'true'], { stdio: 'ignore' });
    return file;
  } catch {
    return undefined;
  }
}

function ownOpenFiles(): number {
  const max = readOpenFilesMax();
  return 'told' in max ? max.told : Number.POSITIVE_INFINITY;
}

/** A command line that runs on the role's core and dies with the bench, as far as the machine can do that. */
function pinned(role: Role, command: string[]): [string, ...string[]] {
  const pin = taskset === undefined ? [] : [taskset, '--cpu-list', String(CORES[role])];
  const leash = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  const files = prlimit === undefined ? [] : [prlimit, ...openFilesOption];
  return [...pin, ...files, ...leash, ...command] as [string, ...string[]];
}

/** The bench's own waiting happens beside the load generator, never on the contender's core. */
export function pinSelf(): void {
  if (taskset !== undefined) {
    execFileSync(taskset, ['--all-tasks', '--cpu-list', '--pid', String(CORES.load), String(process.pid)]);
  }
}

export interface StartOptions {
  role: Role;
  command: string[];
  /** The whole environment of the child besides PATH; nothing of the bench's own leaks in. */
  environment?: Record<string, string>;
  /** How it is told to end; SIGKILL for servers whose data is thrown away with them. */
  stopSignal?: 'SIGTERM' | 'SIGKILL';
  /** Opens an IPC channel; see `job.ts`. */
  ipc?: boolean;
}

/** Starts a child; `child` is the raw process for callers that speak to it. */
export function startChild({
  role,
  command,
  environment = {},
  stopSignal = 'SIGTERM',
  ipc = false,
}: StartOptions): Child & { child: ChildProcess } {
  const [file, ...args] = pinned(role, command);
  const child = spawn(file, args, {
    env: { PATH: BINARY_FOLDERS.join(':'), NODE_ENV: 'production', ...environment },
    stdio: ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let text = '';
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
  };
  child.stdout!.on('data', keep);
  child.stderr!.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(error.message)));
  return { child, pid: child.pid ?? 0, output: () => text, stop: () => stopChild(child, stopSignal) };
}

/** Resolves when `answers` does without throwing; throws with the child's last output when it exits or the time is up. */
export async function untilReady(
  name: string,
  child: Child & { child: ChildProcess },
  answers: () => Promise<unknown>,
) {
  const deadline = performance.now() + READY_DEADLINE_MS;
  let last: unknown;
  while (performance.now() < deadline) {
    if (child.child.exitCode !== null || child.child.signalCode !== null) {
      throw new Error(`${name} exited with ${child.child.exitCode ?? child.child.signalCode}: ${child.output()}`);
    }
    try {
      await answers();
      return;
    } catch (error) {
      last = error;
      await sleep(25);
    }
  }
  await child.stop();
  throw new Error(`${name} was not ready after ${READY_DEADLINE_MS} ms: ${String(last)}\n${child.output()}`);
}

/** A 2xx answer of `url`, or an error. */
export async function answersOk(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}

async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await exited;
  clearTimeout(timer);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** A temporary folder that is gone when the bench is. */
export function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  folders.add(folder);
  return folder;
}

/** The last resort, also on failure and Ctrl-C: kills every child by its pid and removes the folders. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
