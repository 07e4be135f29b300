// What a run prints: one line for each number and run, what was not covered and why, and the closing line.

import type { FaultCase } from './case.ts';
import catalogue from './catalogue.json' with { type: 'json' };
import reasons from './not-covered.json' with { type: 'json' };
import type { Outcome } from './runner.ts';

const TITLES = catalogue as Record<string, string>;
const notCovered: { numbers: number[]; reason: string }[] = reasons;

export function outcomeLine({ number, name, verdict, text, sharedWith, seconds, seed }: Outcome): string {
  const shared = sharedWith.length === 0 ? '' : ` (one run with ${sharedWith.join(', ')})`;
  const head = `${String(number).padStart(2)} ${verdict.padEnd(7)} ${TITLES[number]} — ${name}${shared}`;
  return `${head}: ${text}; ${seconds.toFixed(1)} s, seed ${seed}`;
}

/** Numbers that no run of the registry proves, a line for each reason; what waits for something stands first. */
export function uncoveredLines(cases: readonly FaultCase[]): string[] {
  const waiting = cases.filter(({ awaits }) => awaits !== undefined);
  return [
    ...waiting.map(({ numbers, awaits, name }) => `NOT RUN ${numbers.join(', ')}: ${name} (awaits ${awaits})`),
    ...notCovered.map(({ numbers, reason }) => `not covered ${numbers.join(', ')}: ${reason}`),
  ];
}

/** `faults survived N/N`: numbers whose every run proved them, of those that were run. Skipped ones count nowhere. */
export function closingLine(outcomes: readonly Outcome[]): { line: string; survived: boolean } {
  const run = outcomes.filter(({ verdict }) => verdict !== 'skipped');
  const byNumber = Map.groupBy(run, ({ number }) => number);
  const good = [...byNumber.values()].filter((all) => all.every(({ verdict }) => verdict === 'ok'));
  const skipped = new Set(outcomes.map(({ number }) => number)).difference(new Set(byNumber.keys()));
  const aside = skipped.size === 0 ? '' : ` (skipped: ${[...skipped].join(', ')})`;
  return {
    line: `faults survived ${good.length}/${byNumber.size}${aside}`,
    survived: byNumber.size > 0 && good.length === byNumber.size,
  };
}
