// Runs the command line tool as a shell would.
import { execFile } from 'node:child_process';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { ownEnvironment } from '../helpers/own-environment.ts';
import { ROOT } from '../helpers/root.ts';

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** `sluice …args` with nothing in its environment but what `env` says. */
export function sluice(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return ran(process.execPath, ['src/cli.ts', ...args], { ...ownEnvironment(), ...env });
}

/** Any program, in the repository. */
export function ran(program: string, args: readonly string[], env: Record<string, string | undefined>): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { cwd: ROOT, env, timeout: DEADLINE_MS }, (_error, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err });
    });
  });
}
