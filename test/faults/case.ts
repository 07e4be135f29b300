// What a case is, and how it says what it found.
import type { Verdict } from './checker/checker.ts';
import { tellVerdict } from './checker/checker.ts';
import type { Need } from './stage/needs.ts';
import type { Stage } from './stage/stage.ts';

/** What one catalogue number came to in one run. */
export interface Finding {
  /** What was done, in figures. */
  injected: string;
  /** What came of it, in figures. */
  seen: string;
  /** Every claim of the promise, and whether it held. */
  holds: Record<string, boolean>;
  /** Adds the claim that I1 to I7 hold. */
  verdict?: Verdict;
}

export interface FaultCase {
  /** Catalogue numbers that the run proves, each by claims of its own. */
  numbers: readonly number[];
  /** What is done, in a few words; unique. */
  name: string;
  /** Runs in `--quick` and within `npm test`. */
  quick?: boolean;
  /** Longer than 20 s: runs in `--all`, or when its number is asked for. */
  slow?: boolean;
  /** What has to be built before the promise can hold; until then it is listed and not run. */
  awaits?: string;
  needs?: readonly Need[];
  /** Tests of the suite that prove the case, by file; a name is a part of a test's name. */
  proofs?: readonly { file: string; names: readonly string[] }[];
  run: (stage: Stage) => Promise<Record<number, Finding>>;
}

/** What did not hold, in words; empty when the finding proves its number. */
export function failuresOf({ holds, verdict }: Finding): string[] {
  const broken = Object.entries(holds).filter(([, held]) => !held);
  const breaches = verdict === undefined || verdict.breaches.length === 0 ? [] : [tellVerdict(verdict)];
  return [...broken.map(([claim]) => `not so: ${claim}`), ...breaches];
}
