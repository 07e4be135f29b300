// Tidies up: gates that a crash left behind their ledger, consumers that died, campaigns that are done. Counts the letters.
import { projectCampaign } from '../src/desk/campaign-desk.ts';
import { phaseOf, type StoredCampaign } from '../src/domain/campaign.ts';
import { isFault } from '../src/domain/fault.ts';
import { backlogOf, gateTime } from '../src/domain/gate-view.ts';
import type { Gate, ReadEachGate } from '../src/gate/port.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface JanitorDeps {
  gate: Pick<Gate, 'project'>;
  readGates: ReadEachGate;
  store: {
    listUnprojected: () => Promise<StoredCampaign[]>;
    listLiveCampaigns: () => Promise<StoredCampaign[]>;
    markProjected: (id: string, version: number) => Promise<void>;
    markDrained: (id: string, version: number) => Promise<void>;
    markLive: (id: string) => Promise<void>;
    /** Up to `limit` campaigns behind the id `after`, drained or not. */
    list: (page: { after: string | undefined; limit: number }) => Promise<StoredCampaign[]>;
    countDeadLetters: () => Promise<number>;
  };
  /** Deletes consumers of a campaign that hold nothing and are silent for `idleMs`. */
  reapConsumers: (campaign: string, shards: number, idleMs: number) => Promise<number>;
  onGateLost: (campaign: string) => void;
  /** Takes how many dead letters wait for a person, over all campaigns. */
  onDeadLetters: (count: number) => void;
  onError: (error: unknown) => void;
}

const PROJECT_MS = 1_000;
const TIDY_EVERY = 30;
/** A join that was decided just before the end may still be on its way to the counters. */
const DRAINED_AFTER_MS = 60_000;

export async function tidyUp(deps: JanitorDeps, stopping: AbortSignal): Promise<void> {
  for (let round = 0; !stopping.aborted; round += 1) {
    await healProjections(deps).catch(deps.onError);
    if (round % TIDY_EVERY === 0) {
      await tidyCampaigns(deps, stopping).catch(deps.onError);
      await deps.store.countDeadLetters().then(deps.onDeadLetters).catch(deps.onError);
    }
    await pause(PROJECT_MS, stopping);
  }
}

async function healProjections(deps: JanitorDeps): Promise<void> {
  for (const campaign of await deps.store.listUnprojected()) {
    // Each by itself: one that cannot be projected must not hold up the others.
    const projected = await projectCampaign(deps, campaign).catch(deps.onError);
    if (projected === false) deps.onGateLost(campaign.id);
  }
}

async function tidyCampaigns(deps: JanitorDeps, stopping: AbortSignal): Promise<void> {
  const live = await deps.store.listLiveCampaigns();
  await tidyLive(deps, live).catch(deps.onError);
  await reviveDrained(deps, new Set(live.map(({ id }) => id)), stopping);
}

async function tidyLive(deps: JanitorDeps, live: readonly StoredCampaign[]): Promise<void> {
  const views = await deps.readGates(live.map((campaign) => campaign.id));
  for (const [index, campaign] of live.entries()) {
    const view = views[index];
    if (isFault(view)) deps.onError(view);
    if (view === undefined || isFault(view)) continue;
    await deps.reapConsumers(campaign.id, campaign.shards, limits.consumerIdleMs);
    const ended = phaseOf(view, view.remaining, gateTime(view, view.readAt) - DRAINED_AFTER_MS) === 'ended';
    if (ended && view.version >= campaign.version && backlogOf(view) === 0 && view.retryingCount === 0) {
      await deps.store.markDrained(campaign.id, campaign.version);
    }
  }
}

/** A ticket that Redis had lost may come back when its campaign is done with: then workers are to look at it again. */
async function reviveDrained(deps: JanitorDeps, live: ReadonlySet<string>, stopping: AbortSignal): Promise<void> {
  for (let after: string | undefined; !stopping.aborted; ) {
    const page = await deps.store.list({ after, limit: limits.campaignsPerRead });
    const drained = page.filter(({ id, projectedVersion }) => projectedVersion > 0 && !live.has(id));
    for (const view of await deps.readGates(drained.map(({ id }) => id))) {
      if (view === undefined || isFault(view)) continue;
      if (backlogOf(view) > 0 || view.retryingCount > 0) await deps.store.markLive(view.id);
    }
    if (page.length < limits.campaignsPerRead) return;
    after = page.at(-1)!.id;
  }
}
