// Many seeds on several processes: each plays its share on a stage of its own and tells what it found.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Finding } from './checker.ts';
import { knownAs } from './known-findings.ts';
import { runSeed } from './run.ts';
import { openStage } from './stage.ts';

/** What one seed came to, as a child process tells it. */
export interface Told {
  seed: string;
  steps: number;
  findings: Finding[];
  /** Names of the known findings among them. */
  known: string[];
  /** Broken rules that no known finding explains. */
  unknown: Finding[];
  counts: Counts;
}

/** How much of what a run is for took place in it. */
export type Counts = Record<'rebuilds' | 'crashes' | 'lost answers' | 'give-backs' | 'retries' | 'operations', number>;

const COUNTED: Record<keyof Counts, RegExp> = {
  rebuilds: /^go .*: rebuild-finish$/,
  crashes: /^crash /,
  'lost answers': /^(lose|refuse) /,
  'give-backs': /^ask .* give-back /,
  retries: /^go .* take retry$/,
  operations: /^operator /,
};

export interface Tally {
  seeds: number;
  steps: number;
  seconds: number;
  counts: Counts;
  known: Map<string, string[]>;
  unknown: Told[];
}

/** Seeds that a process plays before another one takes over. */
const SHARE = 500;

/** Plays the seeds `from` to `from + count - 1`, so many processes at a time. */
export async function playMany(
  from: number,
  count: number,
  jobs: number,
  onTold: (told: Told) => void,
): Promise<Tally> {
  const startedAt = performance.now();
  const shares = Array.from({ length: Math.ceil(count / SHARE) }, (_, index) => from + index * SHARE);
  const counts = Object.fromEntries(Object.keys(COUNTED).map((name) => [name, 0])) as Counts;
  const tally: Tally = { seeds: 0, steps: 0, seconds: 0, counts, known: new Map(), unknown: [] };
  const take = (told: Told) => {
    tally.seeds += 1;
    tally.steps += told.steps;
    for (const name of Object.keys(counts) as (keyof Counts)[]) counts[name] += told.counts[name];
    for (const name of told.known) tally.known.set(name, [...(tally.known.get(name) ?? []), told.seed]);
    if (told.unknown.length > 0) tally.unknown.push(told);
    onTold(told);
  };
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      for (let first = shares.shift(); first !== undefined; first = shares.shift()) {
        await playShare(first, Math.min(SHARE, from + count - first), take);
      }
    }),
  );
  tally.seconds = (performance.now() - startedAt) / 1_000;
  return tally;
}

function playShare(from: number, count: number, take: (told: Told) => void): Promise<void> {
  const program = join(import.meta.dirname, 'main.ts');
  const child: ChildProcess = fork(program, ['--share', `${from} ${count}`], { execArgv: [] });
  return new Promise((resolve, reject) => {
    child.on('message', (told) => take(told as Told));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the seeds from ${from} on were not played: exit code ${code}`));
    });
  });
}

/** The child's side. */
export async function tellShare(from: number, count: number, tell: (told: Told) => void): Promise<void> {
  await using stage = await openStage();
  for (let seed = from; seed < from + count; seed += 1) {
    const run = await runSeed(stage, String(seed));
    const known = run.findings.map((finding) => knownAs(finding, run)?.name);
    tell({
      seed: String(seed),
      steps: run.trace.length + run.restSteps,
      findings: run.findings,
      known: [...new Set(known.filter((name) => name !== undefined))],
      unknown: run.findings.filter((_, index) => known[index] === undefined),
      counts: countsOf(run.trace),
    });
  }
}

const countsOf = (trace: readonly string[]): Counts =>
  Object.fromEntries(
    Object.entries(COUNTED).map(([name, pattern]) => [name, trace.filter((event) => pattern.test(event)).length]),
  ) as Counts;
