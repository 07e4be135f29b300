// Real processes of a run: output in files, ended by their pid, and gone with the harness whatever becomes of it.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ownEnvironment } from '../../helpers/own-environment.ts';
import { until } from '../../helpers/until.ts';
import { program } from './needs.ts';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Child {
  pid: number;
  /** All that it printed, both outputs. */
  output: () => string;
  isAlive: () => boolean;
  signal: (signal: NodeJS.Signals) => void;
  /** Sends the signal, SIGKILL unless told otherwise, and resolves when the process is gone. */
  end: (signal?: NodeJS.Signals) => Promise<Exit>;
  ended: Promise<Exit>;
}

export interface ChildPlan {
  name: string;
  /** Where its output goes. */
  folder: string;
  command: readonly string[];
  cwd?: string;
  /** All of its environment besides PATH and HOME. */
  environment?: Record<string, string>;
}

/** How long a process may take to go when it is asked to; then it is killed. */
const END_MS = 15_000;

const running = new Set<ChildProcess>();
// The last resort: also when the harness fails or is interrupted.
process.on('exit', () => {
  for (const child of running) killGroup(child);
});

let count = 0;

export function startChild({ name, folder, command, cwd, environment = {} }: ChildPlan): Child {
  count += 1;
  const log = join(folder, `${count}-${name}.log`);
  const output = openSync(log, 'a');
  const setpriv = program('setpriv');
  // The kernel ends it when the harness is killed, as far as the machine can do that.
  const leash = setpriv === undefined || process.platform !== 'linux' ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  const [file, ...args] = [...leash, ...command] as [string, ...string[]];
  const child = spawn(file, args, {
    cwd,
    env: { ...ownEnvironment(), ...environment },
    stdio: ['ignore', output, output],
    detached: true,
  });
  closeSync(output);
  running.add(child);
  const ended = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  const isAlive = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    output: () => readFileSync(log, 'utf8'),
    isAlive,
    signal: (signal) => void child.kill(signal),
    end: async (signal = 'SIGKILL') => {
      if (!isAlive()) return ended;
      child.kill(signal);
      // A process that stands still hears nothing but this.
      if (signal === 'SIGTERM') child.kill('SIGCONT');
      const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
      return ended.finally(() => clearTimeout(late));
    },
    ended,
  };
}

/** Waits until it has printed something that matches; fails with its output when it ends before. */
export function untilPrinted(child: Child, pattern: RegExp, withinMs = 30_000): Promise<RegExpMatchArray> {
  return until(`${pattern} printed`, withinMs, () => {
    const found = child.output().match(pattern);
    if (!found && !child.isAlive()) throw new Error(`it ended before it printed ${pattern}:\n${child.output()}`);
    return found;
  });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** A port below those that the system gives to clients: nobody takes it while its server is down. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 21_000 + Math.floor(Math.random() * 10_999);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
