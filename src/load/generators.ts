// The generator processes of a load: started together, given jobs, ended with the load.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CannotRun } from '../rehearsal/cannot-run.ts';
import type { Done, Job } from './generator.ts';

export interface Generators extends AsyncDisposable {
  count: number;
  /** Gives each its job and resolves with what all of them have done. Throws {@link CannotRun} when one of them ends. */
  work<Kind extends Job['do']>(
    jobOf: (part: number) => Extract<Job, { do: Kind }>,
  ): Promise<Extract<Done, { do: Kind }>[]>;
}

const PROGRAM = fileURLToPath(new URL('./generator.ts', import.meta.url));

/** Starts `count` of them. `stopping` ends them at once. */
export function startGenerators(count: number, stopping: AbortSignal): Generators {
  const children = Array.from({ length: count }, () =>
    // Samples hold numbers that JSON would make text of.
    fork(PROGRAM, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const end = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  stopping.addEventListener('abort', end);
  return {
    count,
    work: (jobOf) => Promise.all(children.map((child, part) => workOf(child, jobOf(part)))),
    async [Symbol.asyncDispose]() {
      stopping.removeEventListener('abort', end);
      const ends = children.map((child) => ended(child));
      end();
      await Promise.all(ends);
    },
  };
}

function workOf<Kind extends Job['do']>(child: ChildProcess, job: Extract<Job, { do: Kind }>) {
  return new Promise<Extract<Done, { do: Kind }>>((resolve, reject) => {
    const onExit = () => reject(new CannotRun('a generator process ended before its load did'));
    child.once('exit', onExit);
    child.once('message', (done: Extract<Done, { do: Kind }>) => {
      child.off('exit', onExit);
      resolve(done);
    });
    child.send(job, (error) => error !== null && reject(new CannotRun('a generator process took no job', error)));
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
