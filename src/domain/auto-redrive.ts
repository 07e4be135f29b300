// When dead letters are redriven without an operator: by a policy for each reason, and none unless somebody set one.

/** For letters of this reason: so many ms after it was kept a letter is redriven, until it was redriven `redrivesMax` times. */
export interface AutoRedrivePolicy {
  reason: string;
  afterMs: number;
  redrivesMax: number;
}

interface Letter {
  state: string;
  reason: string;
  /** Epoch ms; null for one that was kept before this was written down. */
  keptAt: number | null;
  redriveCount: number;
}

/** Epoch ms from which on a worker redrives the letter; undefined when none will. Redrives of operators count, too. */
export function autoRedriveAt(policies: readonly AutoRedrivePolicy[], letter: Letter): number | undefined {
  const policy = policies.find(({ reason }) => reason === letter.reason);
  if (policy === undefined || letter.state !== 'kept' || letter.keptAt === null) return undefined;
  return letter.redriveCount < policy.redrivesMax ? letter.keptAt + policy.afterMs : undefined;
}
