// A network of its own for one process: its cable can be pulled, and what was on the way arrives late or never. Its address
// is one that the internet could have.
import { execFileSync } from 'node:child_process';
import type { Owner } from '../../helpers/tcp-proxy.ts';
import { program } from './needs.ts';

export interface Namespace {
  /** Where a process in it is reached. */
  host: string;
  /** Where a process in it reaches this machine. */
  outside: string;
  /** To be put before the command of a process that lives in it. */
  wrapper: readonly string[];
  pullCable: () => void;
  plugCable: () => void;
}

/** Needs root. Names hold the pid: two runs at once do not meet. */
export function makeNamespace(t: Owner): Namespace {
  const ip = program('ip')!;
  const run = (...args: string[]) => execFileSync(ip, args, { stdio: 'pipe' });
  const tag = `${process.pid % 100_000}`;
  const [name, outside, inside] = [`faults-${tag}`, `fo${tag}`, `fi${tag}`];
  // A /30 of the range for benchmarks (RFC 2544), by pid.
  const net = `198.18.${process.pid % 256}`;
  run('netns', 'add', name);
  t.onTestFinished(() => void run('netns', 'del', name));
  run('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', name);
  run('addr', 'add', `${net}.1/30`, 'dev', outside);
  run('link', 'set', outside, 'up');
  run('-n', name, 'addr', 'add', `${net}.2/30`, 'dev', inside);
  run('-n', name, 'link', 'set', inside, 'up');
  run('-n', name, 'link', 'set', 'lo', 'up');
  return {
    host: `${net}.2`,
    outside: `${net}.1`,
    wrapper: [ip, 'netns', 'exec', name],
    pullCable: () => void run('-n', name, 'link', 'set', inside, 'down'),
    plugCable: () => void run('-n', name, 'link', 'set', inside, 'up'),
  };
}
