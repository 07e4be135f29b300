// What the model finds and nobody has mended yet. A run that breaks a rule in one of these ways does not fail the suite;
// whoever mends one deletes it here, and from then on it does. Every one has a scenario that must go on finding it.
import type { Finding } from './checker.ts';
import type { Run } from './run.ts';

export interface KnownFinding {
  name: string;
  /** What goes wrong, for whoever mends it. */
  what: string;
  rules: RegExp;
  /** What must have happened for a broken rule to be this finding. */
  needs: (run: Pick<Run, 'plan' | 'trace'>) => boolean;
}

const happened = (event: RegExp) => (run: Pick<Run, 'trace'>) => run.trace.some((one) => event.test(one));
const REBUILT = happened(/rebuild-begin|^redis (flush|restart|put-back)|operator repair|^foreign/);

export const KNOWN_FINDINGS: KnownFinding[] = [
  {
    name: 'buried-and-issued',
    what: 'a burying that is done again, or by two workers, may issue the ticket and leaves its letter, or `retrying`, behind',
    rules: /^(row-and-letter|no-rest|told-failed|unit-sold-and-kept)$/,
    needs: ({ trace }) => trace.some((event) => /^sour/.test(event)) && !trace.some((event) => /put-back/.test(event)),
  },
  {
    name: 'issued-again-after-a-lost-answer',
    what: 'an issuer whose settling was not answered issues the batch again without asking who gave back meanwhile',
    rules: /^(row-and-cancellation|unit-sold-and-free|told-cancelled)$/,
    needs: happened(/^(lose|refuse) w\d issuer: settle/),
  },
  {
    name: 'wish-forgotten',
    what: 'a DELETE that was answered 202 stands in the exceptions of the gate alone',
    rules: /^wish-(forgotten-202|lost)$/,
    needs: REBUILT,
  },
  {
    name: 'issued-after-it-was-given-back',
    what: 'what the gate gave back by itself, and forgot before the ledger heard of it, is issued; so is what a worker held meanwhile',
    rules: /^(row-and-cancellation|unit-sold-and-free|told-cancelled|admitted-twice)$/,
    needs: happened(/^(leap (6|16)000|sleep w|clock|redis (put-back|flush)|operator repair|go f\d operator repair)/),
  },
  {
    name: 'refused-by-an-old-memory',
    what: 'for up to half a second a front that has not read that a unit came back refuses the holder whom another front admitted to it',
    rules: /^holder-refused$/,
    needs: ({ plan }) => plan.processes.includes('f2'),
  },
];

/** The known finding that a broken rule belongs to; undefined when nobody has seen the like. */
export const knownAs = (finding: Finding, run: Pick<Run, 'plan' | 'trace'>): KnownFinding | undefined =>
  KNOWN_FINDINGS.find(({ rules, needs }) => rules.test(finding.rule) && needs(run));
