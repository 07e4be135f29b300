// What the private Redis and the private database share: how their process is started, watched and left behind.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../domain/fault.ts';
import type { ServerPackage } from '../domain/server-package.ts';
import { limits } from '../process/limits.ts';
import { findProgram } from './binaries.mjs';
import { type DataFolder, forgetProcess, recordProcess } from './data-folder.ts';
import { superviseChild } from './supervised-child.ts';

/** A server may have a long log to replay after a crash; one that says nothing for this long never will. */
const READY_MS = 120_000;
const PROBE_EVERY_MS = 20;

export interface LocalServer {
  url: string;
  /** One line for the banner. */
  line: string;
  /** Of the distribution, where the program is of one. */
  package?: ServerPackage | undefined;
  stop(): Promise<void>;
}

export interface ServerPlan {
  /** Also the beginning of the names of its files in the data folder. */
  name: 'redis' | 'database';
  folder: DataFolder;
  command: string;
  args: readonly string[];
  searchPath: readonly string[];
  /** Asks the server a real question; an open port is no proof of anything. */
  probe: () => Promise<void>;
  report: (line: string) => void;
}

/** Starts a server on its data and keeps it alive. The result stops it. */
export async function superviseServer(plan: ServerPlan): Promise<() => Promise<void>> {
  const { name, folder, report } = plan;
  const log = join(folder.path, `${name}.log`);
  const [command, args] = tiedToParent(plan.command, plan.args, plan.searchPath);
  const start = () => {
    const child = spawnLogged(command, args, log);
    recordProcess(folder, name, child.pid);
    return child;
  };
  try {
    const ready = (_child: ChildProcess, gone: AbortSignal) => answers(name, plan.probe, gone);
    const child = await superviseChild({ name, start, ready, report, stopMs: limits.localStopMs });
    return async () => {
      await child.stop();
      forgetProcess(folder, name);
    };
  } catch (error) {
    forgetProcess(folder, name);
    const code = name === 'redis' ? 'redis-unavailable' : 'ledger-unavailable';
    throw new Fault(code, `${name} did not start; the end of ${log}:\n${lastLines(log, 8)}`, { cause: error });
  }
}

/** In a process group of its own: Ctrl-C in a terminal reaches the whole group, and the servers must outlive the drain. */
function spawnLogged(command: string, args: readonly string[], log: string): ChildProcess {
  const output = openSync(log, 'a', 0o600);
  try {
    return spawn(command, args, { detached: true, stdio: ['ignore', output, output] });
  } finally {
    closeSync(output);
  }
}

/** On Linux the kernel stops the server when its parent is killed; elsewhere the next start does (`stopLeftover`). */
function tiedToParent(command: string, args: readonly string[], searchPath: readonly string[]) {
  const setpriv = process.platform === 'linux' ? findProgram(['setpriv'], searchPath) : undefined;
  // Busybox has a setpriv without this option.
  const works = setpriv !== undefined && spawnSync(setpriv, ['--pdeathsig', 'TERM', '--', 'true']).status === 0;
  return works
    ? ([setpriv, ['--pdeathsig', 'TERM', '--', command, ...args]] as const)
    : ([command, [...args]] as const);
}

async function answers(name: string, probe: () => Promise<void>, gone: AbortSignal): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (gone.aborted) return;
      if (performance.now() > deadline) throw new Error(`${name} gave no answer in ${READY_MS} ms`, { cause: error });
      await sleep(PROBE_EVERY_MS);
    }
  }
}

function lastLines(file: string, count: number): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}
