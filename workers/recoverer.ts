// Watches that every gate may sell: after Redis was away a gate is closed until it was compared with the ledger.
import type { StoredCampaign } from '../src/domain/campaign.ts';
import type { GateState } from '../src/gate/port.ts';
import { backoffMs, pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import type { Recovery } from '../src/recovery/recover.ts';

export interface RecovererDeps {
  listLiveCampaigns: () => Promise<StoredCampaign[]>;
  /** Up to `limit` campaigns behind the id `after`, also those that are done: their tickets are still asked for. */
  listCampaigns: (page: { after: string | undefined; limit: number }) => Promise<StoredCampaign[]>;
  stateOf: (campaign: StoredCampaign) => Promise<GateState>;
  /** Undefined when somebody else does it. */
  recover: (campaign: string) => Promise<Recovery | undefined>;
  onRecovered: (campaign: string, recovery: Recovery) => void;
  /** Once for each time that a closed gate is found on a server without the replicas it must have. */
  onAlone: (campaign: string) => void;
  onError: (error: unknown) => void;
}

/** While something was wrong at the last look. */
const ANXIOUS_MS = 100;
/** Campaigns that are done are looked at once in so many looks. */
const DONE_EVERY = 60;

interface Remembered {
  alone: Set<string>;
  failures: Failures;
}

/** Gates that could not be recovered: each attempt begins an epoch, so the next one waits, longer each time. */
class Failures {
  private readonly byCampaign = new Map<string, { count: number; until: number }>();

  mayTry = (id: string): boolean => (this.byCampaign.get(id)?.until ?? 0) <= performance.now();
  forget = (id: string): void => void this.byCampaign.delete(id);
  add(id: string): void {
    const count = (this.byCampaign.get(id)?.count ?? 0) + 1;
    const waitMs = backoffMs(count, limits.backoffMinMs, limits.recoveryBackoffMaxMs);
    this.byCampaign.set(id, { count, until: performance.now() + waitMs });
  }
}

export async function recoverGates(deps: RecovererDeps, stopping: AbortSignal): Promise<void> {
  // While Redis is away the same campaigns are looked at again and again: the ledger is not asked for them each time.
  let known: StoredCampaign[] | undefined;
  const state: Remembered = { alone: new Set(), failures: new Failures() };
  for (let round = 0; !stopping.aborted; round += 1) {
    let calm = false;
    try {
      known ??= await deps.listLiveCampaigns();
      calm = await recoverAmong(deps, state, known, stopping);
      known = undefined;
      if (round % DONE_EVERY === 0) calm = (await recoverDone(deps, state, stopping)) && calm;
    } catch (error) {
      deps.onError(error);
    }
    await pause(calm ? limits.campaignLookMs : ANXIOUS_MS, stopping);
  }
}

/** The same for all campaigns there are. */
async function recoverDone(deps: RecovererDeps, state: Remembered, stopping: AbortSignal): Promise<boolean> {
  let calm = true;
  for (let after: string | undefined; !stopping.aborted; ) {
    const page = await deps.listCampaigns({ after, limit: limits.campaignsPerRead });
    calm = (await recoverAmong(deps, state, page, stopping)) && calm;
    if (page.length < limits.campaignsPerRead) break;
    after = page.at(-1)!.id;
  }
  return calm;
}

/** True when all gates may sell. One that cannot be recovered does not hold up the others; throws when Redis is away. */
async function recoverAmong(
  deps: RecovererDeps,
  { alone, failures }: Remembered,
  campaigns: readonly StoredCampaign[],
  stopping: AbortSignal,
): Promise<boolean> {
  const known = campaigns.filter((campaign) => campaign.projectedVersion > 0);
  const states = await Promise.all(known.map((campaign) => deps.stateOf(campaign)));
  for (const [index, { id }] of known.entries()) {
    if (states[index] !== 'alone') alone.delete(id);
    else if (!alone.has(id)) {
      alone.add(id);
      deps.onAlone(id);
    }
  }
  const closed = known.filter(({ id }, index) => states[index] !== 'verified' && !alone.has(id) && failures.mayTry(id));
  const calm = states.every((state) => state === 'verified');
  // Side by side, but not all at once: each reads a campaign's rows.
  await Promise.all(
    Array.from({ length: limits.recoveriesMax }, async () => {
      for (let next = closed.shift(); next !== undefined && !stopping.aborted; next = closed.shift()) {
        const { id } = next;
        try {
          const recovery = await deps.recover(id);
          failures.forget(id);
          if (recovery) deps.onRecovered(id, recovery);
        } catch (error) {
          failures.add(id);
          deps.onError(error);
        }
      }
    }),
  );
  return calm;
}
