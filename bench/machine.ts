// Where the numbers come from: without it a number says nothing.
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { loadGenerator } from './load.ts';
import { CORES, isPinned } from './processes.ts';
import { databaseBinary, redisBinary } from './stores.ts';

export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
  redis: string;
  database: string;
  load: string;
  pinning: string;
}

export function describeMachine(): Machine {
  const all = cpus();
  const cores = Object.entries(CORES).map(([role, core]) => `${role} on core ${core}`);
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    redis: versionOf(redisBinary),
    database: versionOf(databaseBinary),
    load: loadGenerator,
    pinning: isPinned ? cores.join(', ') : 'none (this machine has no taskset)',
  };
}

function versionOf(binary: string | undefined): string {
  if (binary === undefined) return 'not installed';
  const text = execFileSync(binary, ['--version'], { encoding: 'utf8' });
  return /\d+\.\d+\.\d+[-\w.+]*/.exec(text)?.[0] ?? text.trim();
}
