// Tidies up: gates that a crash left behind their ledger, lines that lost or kept a campaign, consumers that died, campaigns
// that are done. Counts the letters and what waits.
import { crc32 } from 'node:zlib';
import { projectCampaign } from '../src/desk/campaign-desk.ts';
import { type Phase, phaseOf, type StoredCampaign } from '../src/domain/campaign.ts';
import { isOver } from '../src/domain/campaign-life.ts';
import { isFault } from '../src/domain/fault.ts';
import { backlogOf, type GateView, gateTime } from '../src/domain/gate-view.ts';
import type { Gate, Lines, ReadEachGate } from '../src/gate/port.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface JanitorDeps {
  gate: Pick<Gate, 'project'>;
  readGates: ReadEachGate;
  lines: Lines;
  /** The name of this worker. */
  holder: string;
  store: {
    get: (id: string) => Promise<StoredCampaign | undefined>;
    listUnprojected: () => Promise<StoredCampaign[]>;
    /** Page by page. */
    liveCampaigns: () => AsyncIterable<StoredCampaign[]>;
    markProjected: (id: string, version: number) => Promise<void>;
    markDrained: (id: string, version: number) => Promise<void>;
    markLive: (id: string) => Promise<void>;
    countLettersByReason: () => Promise<ReadonlyMap<string, number>>;
  };
  /** How many retries are not done. */
  countRetries: () => Promise<number>;
  /** Deletes consumers of a campaign that hold nothing and are silent for `idleMs`. */
  reapConsumers: (campaign: string, shards: number, idleMs: number) => Promise<number>;
  onGateLost: (campaign: string) => void;
  /** Takes how many tickets wait, and how many are being retried, over all campaigns. */
  onLook: (backlog: number, retrying: number) => void;
  /** Takes how many dead letters wait for a person, by reason, over all campaigns. */
  onDeadLetters: (counts: ReadonlyMap<string, number>) => void;
  /** Takes how many live campaigns there are by phase. */
  onCounted: (phases: Record<Phase, number>) => void;
  onError: (error: unknown) => void;
}

const PROJECT_MS = 1_000;
const COUNT_LETTERS_EVERY = 30;
const LOOK_EVERY = Math.ceil(limits.countMs / PROJECT_MS);
/** A join that was decided just before the end may still be on its way to the counters. */
const DRAINED_AFTER_MS = 60_000;

export async function tidyUp(deps: JanitorDeps, stopping: AbortSignal): Promise<void> {
  const { store, lines, holder, onError } = deps;
  for (let round = 0; !stopping.aborted; round += 1) {
    await healProjections(deps).catch(onError);
    if (round % LOOK_EVERY === 0) {
      await countWaiting(deps).catch(onError);
      // Asked for more often than it is due: the worker whose turn it was may have died.
      if (await lines.takeSweep(holder, limits.sweepMs).catch(onError)) await sweep(deps, stopping).catch(onError);
    }
    if (round % COUNT_LETTERS_EVERY === 0) await store.countLettersByReason().then(deps.onDeadLetters).catch(onError);
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

async function countWaiting({ lines, countRetries, onLook }: JanitorDeps): Promise<void> {
  onLook(await lines.waitingCount(), await countRetries());
}

/** The one walk over the live campaigns; of those that are done it sees only what stands in line. */
async function sweep(deps: JanitorDeps, stopping: AbortSignal): Promise<void> {
  const inLine = new Set(await deps.lines.campaigns());
  const unknown = new Set(inLine);
  const phases: Record<Phase, number> = { scheduled: 0, open: 0, paused: 0, 'sold-out': 0, ended: 0 };
  for await (const part of deps.store.liveCampaigns()) {
    const views = await deps.readGates(part.map(({ id }) => id));
    for (const [index, campaign] of part.entries()) {
      const view = views[index];
      if (view !== undefined && !isFault(view)) phases[phaseOf(view, view.remaining, gateTime(view, view.readAt))] += 1;
      await tidyCampaign(deps, campaign, view, inLine).catch(deps.onError);
      unknown.delete(campaign.id);
    }
    if (stopping.aborted) return;
  }
  deps.onCounted(phases);
  for (const id of unknown) await lookAgain(deps, id).catch(deps.onError);
}

async function tidyCampaign(
  deps: JanitorDeps,
  campaign: StoredCampaign,
  view: Awaited<ReturnType<ReadEachGate>>[number],
  inLine: ReadonlySet<string>,
): Promise<void> {
  const { id, shards, version } = campaign;
  if (isFault(view)) return deps.onError(view);
  const isWaiting = view !== undefined && backlogOf(view) > 0;
  if (isWaiting !== inLine.has(id)) await deps.lines.check(id);
  if (view === undefined) return;
  if (isReapDue(id)) await deps.reapConsumers(id, shards, limits.consumerIdleMs);
  if (isDone(view, campaign)) await deps.store.markDrained(id, version);
}

function isDone(view: GateView, { version }: StoredCampaign): boolean {
  const ended = phaseOf(view, view.remaining, gateTime(view, view.readAt) - DRAINED_AFTER_MS) === 'ended';
  return ended && view.version >= version && backlogOf(view) === 0 && view.retryingCount === 0;
}

/** The campaigns take turns with the sweeps, so that no sweep has all of them. */
function isReapDue(id: string): boolean {
  return (crc32(id) + Math.floor(Date.now() / limits.sweepMs)) % limits.sweepsPerReap === 0;
}

/** A ticket that Redis had lost may come back when its campaign is done with; one that the ledger does not know, or has archived, issues no more. */
async function lookAgain({ lines, store }: JanitorDeps, id: string): Promise<void> {
  if (!(await lines.check(id))) return;
  const campaign = await store.get(id);
  // An old Redis that was put back brings the gates of archived campaigns back, too.
  if (campaign === undefined || isOver(campaign)) await lines.remove(id);
  else await store.markLive(id);
}
