// A pid says little: it is given again. Together with the start time of its process it names one process for ever.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessIdentity {
  pid: number;
  /** Text that only this process has with this pid; made of its start time. */
  startedAt: string;
}

/** The identity of the process that has `pid` now; undefined when there is none or only a zombie. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export const isAlive = ({ pid, startedAt }: ProcessIdentity): boolean => identityOf(pid)?.startedAt === startedAt;

/** Stops a process that need not be a child of ours: SIGTERM, and SIGKILL after `stopMs`. Returns when it is gone. */
export async function stopProcess(identity: ProcessIdentity, stopMs: number): Promise<void> {
  const deadline = performance.now() + stopMs;
  signal(identity, 'SIGTERM');
  while (isAlive(identity) && performance.now() < deadline) await sleep(20);
  signal(identity, 'SIGKILL');
  while (isAlive(identity)) await sleep(20);
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    if (isAlive(identity)) process.kill(identity.pid, name);
  } catch (error) {
    // It ended between the look and the signal; anything else (EPERM) must be seen.
    if (isAlive(identity)) throw error;
  }
}

function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields after the last ')': the command's name may hold spaces and brackets. proc(5): state is field 3, start time 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // The start time counts from boot, so without the boot it would name another process after a restart of the machine.
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return fields[0] === 'Z' ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}
