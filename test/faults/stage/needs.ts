// What a machine may lack. A case names its needs; where one is missing it is skipped, and says so.
import { spawnSync } from 'node:child_process';
import { findProgram, serverSearchPath } from '../../../src/local/binaries.mjs';
import { kafkaPrograms } from '../../kafka/jars.ts';

export type Need = 'root' | 'tmpfs' | 'namespace' | 'strace' | 'compiler' | 'kafka';

/** The path of a program of this machine. */
export const program = (...names: string[]): string | undefined => findProgram(names, serverSearchPath());

const isRoot = (): boolean => process.platform === 'linux' && process.getuid?.() === 0;
const works = (command: string, ...args: string[]): boolean => {
  const path = program(command);
  return path !== undefined && spawnSync(path, args).status === 0;
};

function noKafka(): string | undefined {
  try {
    kafkaPrograms();
    return undefined;
  } catch (error) {
    return `no Kafka broker can be started: ${(error as Error).message}`;
  }
}

const LACKS: Record<Need, () => string | undefined> = {
  root: () => (isRoot() ? undefined : 'not root on Linux'),
  // In a namespace of its own: the trial leaves nothing behind.
  tmpfs: () =>
    isRoot() && works('unshare', '--mount', 'mount', '-t', 'tmpfs', 'trial', '/mnt')
      ? undefined
      : 'may not mount a tmpfs',
  namespace: () =>
    isRoot() && works('ip', 'netns', 'list') && works('unshare', '--net', 'true') ? undefined : 'no network namespaces',
  strace: () => (works('strace', '-o', '/dev/null', 'true') ? undefined : 'no strace that may trace'),
  kafka: noKafka,
  compiler: () => (process.platform === 'linux' && works('cc', '--version') ? undefined : 'no C compiler'),
};

/** What the machine lacks of these, in words; empty when it has all. */
export const lacking = (needs: readonly Need[]): string[] => needs.flatMap((need) => LACKS[need]() ?? []);
