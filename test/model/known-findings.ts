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

export const KNOWN_FINDINGS: KnownFinding[] = [
  {
    name: 'refused-by-an-old-memory',
    // Not mended: a front that asks at every "sold out" costs Redis the whole crowd (P5), and one that tells of an
    // admission only when no older memory may refuse makes joins half a second slower after the first give-back.
    what: 'for up to half a second a front that has not read that a unit came back refuses the holder whom another front admitted to it',
    rules: /^holder-refused$/,
    needs: ({ plan }) => plan.processes.includes('f2'),
  },
];

/** The known finding that a broken rule belongs to; undefined when nobody has seen the like. */
export const knownAs = (finding: Finding, run: Pick<Run, 'plan' | 'trace'>): KnownFinding | undefined =>
  KNOWN_FINDINGS.find(({ rules, needs }) => rules.test(finding.rule) && needs(run));
