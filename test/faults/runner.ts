// Runs cases one after the other, each on a stage of its own.
import { type FaultCase, type Finding, failuresOf } from './case.ts';
import { lacking } from './stage/needs.ts';
import { openStage, type StageDeps } from './stage/stage.ts';

/** What one catalogue number came to in one run. */
export interface Outcome {
  number: number;
  name: string;
  verdict: 'ok' | 'FAILED' | 'skipped';
  /** What was injected and seen; why it failed or was skipped. */
  text: string;
  /** Other numbers that the same run proved. */
  sharedWith: number[];
  seconds: number;
  seed: string;
}

const RUN_MS = 120_000;
const SLOW_RUN_MS = 300_000;

export interface RunnerDeps extends Omit<StageDeps, 'seed'> {
  /** Whether the logs and data of a run that failed stay, for who reads the failure. */
  keepsFailures: boolean;
}

/** Runs one case; never throws. `seed` is that of the whole run. */
export async function runCase(one: FaultCase, seed: string, deps: RunnerDeps): Promise<Outcome[]> {
  const startedAt = performance.now();
  const { numbers, name } = one;
  const outcomeOf = (number: number, verdict: Outcome['verdict'], text: string): Outcome => ({
    number,
    name,
    verdict,
    text,
    sharedWith: numbers.filter((other) => other !== number),
    seconds: (performance.now() - startedAt) / 1_000,
    seed,
  });
  const lacks = lacking(one.needs ?? []);
  if (lacks.length > 0) return numbers.map((number) => outcomeOf(number, 'skipped', lacks.join('; ')));

  const stage = openStage({ ...deps, seed: `${seed}:${name}` });
  let outcomes: Outcome[];
  try {
    const findings = await within(one.slow ? SLOW_RUN_MS : RUN_MS, one.run(stage));
    outcomes = numbers.map((number) => judged(findings[number], (verdict, text) => outcomeOf(number, verdict, text)));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    outcomes = numbers.map((number) => outcomeOf(number, 'FAILED', text));
  }
  const failed = outcomes.some(({ verdict }) => verdict === 'FAILED');
  const keeps = failed && deps.keepsFailures;
  const closing = await stage.close(keeps).catch((error: unknown) => new Error('not tidied', { cause: error }));
  if (keeps) for (const outcome of outcomes) outcome.text += ` [kept: ${stage.folder}]`;
  if (!(closing instanceof Error)) return outcomes;
  return outcomes.map((outcome) => ({
    ...outcome,
    verdict: 'FAILED',
    text: `${outcome.text}; not tidied: ${String(closing.cause)}`,
  }));
}

function judged(finding: Finding | undefined, outcome: (verdict: 'ok' | 'FAILED', text: string) => Outcome): Outcome {
  if (finding === undefined) return outcome('FAILED', 'the run ended without a finding for this number');
  const { injected, seen, holds, verdict } = finding;
  if (Object.keys(holds).length === 0) return outcome('FAILED', 'a finding without a claim proves nothing');
  const failures = failuresOf(finding);
  const figures = `${injected} → ${seen}${verdict === undefined ? '' : `; ${soldOf(verdict)}`}`;
  return failures.length === 0 ? outcome('ok', figures) : outcome('FAILED', `${failures.join('; ')} (${figures})`);
}

const soldOf = (verdict: NonNullable<Finding['verdict']>): string =>
  `${verdict.ticketCount} tickets, ${verdict.rowCount} rows, ${verdict.letterCount} dead letters, I4 sampled ×${verdict.sampleCount}`;

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${ms / 1_000} s`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
