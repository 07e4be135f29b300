// Programs that do one job at a time and say what came of it: the bench's end of `peers/job.ts`.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Role, startChild } from './processes.ts';

const JOB_DEADLINE_MS = 180_000;

export interface Jobs extends AsyncDisposable {
  pid: number;
  child: ReturnType<typeof startChild>;
}

interface Message {
  ready?: true;
  result?: unknown;
  error?: string;
}

/** Starts the program on the role's core and waits until it is ready for a job. */
export async function startJobs(role: Role, program: URL, args: string[]): Promise<Jobs> {
  const child = startChild({ role, command: [process.execPath, fileURLToPath(program), ...args], ipc: true });
  await nextMessage(child);
  return { pid: child.pid, child, [Symbol.asyncDispose]: () => child.stop() };
}

/** Gives the program a job and waits for its result; throws what the program threw. */
export async function runJob<Result>(jobs: Jobs, job: object): Promise<Result> {
  const answer = nextMessage(jobs.child);
  jobs.child.child.send(job);
  return (await answer).result as Result;
}

async function nextMessage({ child, output }: ReturnType<typeof startChild>): Promise<Message> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(JOB_DEADLINE_MS)]);
  try {
    const exit = once(child, 'exit', { signal }).then(([code]): never => {
      throw new Error(`the program exited with ${code}: ${output()}`);
    });
    const [message] = (await Promise.race([once(child, 'message', { signal }), exit])) as [Message];
    if (message.error !== undefined) throw new Error(message.error);
    return message;
  } finally {
    over.abort();
  }
}
