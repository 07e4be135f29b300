// CPU time by the operating system's own accounting, so that a rate can be told apart from the room there was for it.
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { CORES } from './processes.ts';

const TICKS_PER_SECOND = 100; // USER_HZ, fixed in the Linux ABI

/**
 * CPU microseconds that all threads of a process have used so far; NaN where there is no /proc. `schedstat` counts
 * nanoseconds; `stat` counts ticks of 10 ms, and is read where the kernel keeps no schedstat.
 */
export function cpuMicros(pid: number): number {
  try {
    let nanos = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanos += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
    }
    return nanos > 0 ? nanos / 1000 : ticksOf(pid) * (1_000_000 / TICKS_PER_SECOND);
  } catch {
    return Number.NaN;
  }
}

/** utime + stime, after the command name, which may hold spaces and parentheses (proc(5)). */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Which process plays which part in a measurement. */
export type Pids = Partial<Record<'front' | 'redis' | 'database' | 'worker', number>>;

/** CPU microseconds of each part while `work` ran, and how busy the contender's core and the other one were (0 to 1). */
export async function withCpu<Result>(pids: Pids, work: () => Promise<Result>) {
  const before = snapshot(pids);
  const result = await work();
  const after = snapshot(pids);
  const micros: Record<string, number> = {};
  for (const part of Object.keys(pids)) micros[part] = after.micros[part]! - before.micros[part]!;
  const busyOf = (core: number): number => {
    const [from, to] = [before.cores[core], after.cores[core]];
    if (from === undefined || to === undefined) return Number.NaN;
    return (to.busy - from.busy) / Math.max(1, to.all - from.all);
  };
  return { result, micros, busy: { contender: busyOf(CORES.contender), stores: busyOf(CORES.redis) } };
}

function snapshot(pids: Pids) {
  const micros: Record<string, number> = {};
  for (const [part, pid] of Object.entries(pids)) micros[part] = cpuMicros(pid);
  const cores = cpus().map(({ times }) => {
    const all = times.user + times.nice + times.sys + times.idle + times.irq;
    return { all, busy: all - times.idle };
  });
  return { micros, cores };
}
