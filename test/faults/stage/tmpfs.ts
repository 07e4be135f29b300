// A small disk that can be filled up: a tmpfs of the run's own, unmounted with it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../../helpers/tcp-proxy.ts';
import { program } from './needs.ts';

export interface SmallDisk {
  folder: string;
  /** Takes all that is free but `leaveKb`. */
  fill: (leaveKb: number) => void;
  /** Gives it back. */
  relieve: () => void;
}

export function mountSmallDisk(t: Owner, parent: string, sizeMb: number): SmallDisk {
  const folder = join(parent, 'small-disk');
  const ballast = join(folder, 'ballast');
  mkdirSync(folder);
  execFileSync(program('mount')!, ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'small', folder]);
  // Lazily: a server that is still ending does not keep the folder.
  t.onTestFinished(() => void execFileSync(program('umount')!, ['--lazy', folder]));
  return {
    folder,
    fill: (leaveKb) => {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leaveKb * 1_024)));
    },
    relieve: () => rmSync(ballast),
  };
}
