// Redrives dead letters by the policies of AUTO_REDRIVE; off where none is set. What it does is what an operator's redrive
// does: the letter is claimed, so that of several workers one has it, and the claim is audited.
import { driveLetter, type RedriveDeps } from '../src/desk/redrive.ts';
import type { AutoRedrivePolicy } from '../src/domain/auto-redrive.ts';
import type { StoredDeadLetter } from '../src/domain/dead-letter.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface RedriverDeps extends RedriveDeps {
  policies: readonly AutoRedrivePolicy[];
  store: RedriveDeps['store'] & {
    /** Kept letters that a policy is due for, the longest kept first. */
    findDue: (policy: AutoRedrivePolicy, limit: number) => Promise<{ id: number }[]>;
    claimRedrive: (id: number, actor: string) => Promise<StoredDeadLetter | undefined>;
  };
  /** Whether a breaker of the stores is open: what failed because one was away would fail again. */
  isStoreAway: () => boolean;
  /** How long the wait between two looks is; the usual one unless a test says otherwise. */
  lookMs?: number;
  /** Takes how many letters of a reason were redriven in one look. */
  onRedriven: (reason: string, count: number) => void;
  onError: (error: unknown) => void;
}

/** Who is named in the audit. */
const ACTOR = 'auto-redrive';

/** Looks for due letters every `limits.autoRedriveLookMs` until `stopping` aborts. */
export async function redriveByPolicy(deps: RedriverDeps, stopping: AbortSignal): Promise<void> {
  if (deps.policies.length === 0) return;
  while (!stopping.aborted) {
    for (const policy of deps.policies) await redriveDue(deps, policy, stopping).catch(deps.onError);
    await pause(deps.lookMs ?? limits.autoRedriveLookMs, stopping);
  }
}

async function redriveDue(deps: RedriverDeps, policy: AutoRedrivePolicy, stopping: AbortSignal): Promise<void> {
  if (deps.isStoreAway()) return;
  let count = 0;
  try {
    for (const { id } of await deps.store.findDue(policy, limits.autoRedrivesPerLook)) {
      if (stopping.aborted || deps.isStoreAway()) return;
      const claimed = await deps.store.claimRedrive(id, ACTOR);
      if (claimed === undefined) continue;
      // What cannot be finished now the finisher takes up; its letter is claimed.
      if ((await driveLetter(deps, claimed)) === 'redriven') count += 1;
      await pause(1_000 / limits.lettersPerSecond, stopping);
    }
  } finally {
    if (count > 0) deps.onRedriven(policy.reason, count);
  }
}
