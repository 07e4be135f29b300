// A wall clock that can be set, for one process: compiled when it is needed, preloaded into it.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { program } from './needs.ts';

const SOURCE = fileURLToPath(new URL('clock-shim.c', import.meta.url));

export interface SettableClock {
  /** For the process whose clock it is. */
  environment: Record<string, string>;
  /** Seconds ahead of this machine's clock; negative for behind. */
  set: (offsetSeconds: number) => void;
}

/** Needs a C compiler. */
export function buildClock(folder: string): SettableClock {
  const library = join(folder, 'clock-shim.so');
  const file = join(folder, 'clock-offset');
  execFileSync(program('cc')!, ['-shared', '-fPIC', '-O2', '-o', library, SOURCE, '-ldl']);
  const set = (offsetSeconds: number) => writeFileSync(file, String(offsetSeconds));
  set(0);
  return { environment: { LD_PRELOAD: library, CLOCK_OFFSET_FILE: file }, set };
}
