// Starts an issuer for every campaign that may have tickets, and stops it when there is nothing left to issue.
import type { ConsumedCampaign } from '../src/broker/port.ts';
import type { Campaign } from '../src/domain/campaign.ts';
import { phaseOf } from '../src/domain/campaign.ts';
import { isFault } from '../src/domain/fault.ts';
import { backlogOf, type GateView, gateTime } from '../src/domain/gate-view.ts';
import type { ReadEachGate } from '../src/gate/port.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface CampaignWatchDeps {
  listLiveCampaigns: () => Promise<Campaign[]>;
  readGates: ReadEachGate;
  /** Issues until its signal aborts. */
  issue: (campaign: ConsumedCampaign, stopping: AbortSignal) => Promise<void>;
  /** Hears how many tickets wait, and how many are being retried, over all campaigns. */
  onLook: (backlog: number, retrying: number) => void;
  onError: (error: unknown) => void;
}

interface Attended {
  epoch: number;
  stop: AbortController;
  ended: Promise<void>;
}

export async function watchCampaigns(deps: CampaignWatchDeps, stopping: AbortSignal): Promise<void> {
  const attended = new Map<string, Attended>();

  async function look(): Promise<void> {
    const live = await deps.listLiveCampaigns();
    const views = await deps.readGates(live.map((campaign) => campaign.id));
    const found = views.filter((view): view is GateView => view !== undefined && !isFault(view));
    // Of a gate that cannot be read nothing is known: its issuer goes on, and hears of the outage itself.
    const unreadable = new Set(live.filter((_, index) => isFault(views[index])).map(({ id }) => id));
    for (const view of views) if (isFault(view)) deps.onError(view);
    // A sum without them would tell of a backlog that has vanished.
    if (unreadable.size === 0) deps.onLook(sum(found.map(backlogOf)), sum(found.map((view) => view.retryingCount)));
    const wanted = new Map<string, GateView>();
    for (const view of found) if (mayHaveWork(view)) wanted.set(view.id, view);
    // A gate that was rebuilt is another one: its tickets are issued under its own epoch.
    for (const [id, { epoch, stop }] of attended)
      if (!unreadable.has(id) && wanted.get(id)?.epoch !== epoch) stop.abort();
    for (const [id, { epoch, shards }] of wanted) if (!attended.has(id)) attend({ id, epoch, shards });
  }

  function attend(campaign: ConsumedCampaign): void {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, stopping]);
    const ended = deps
      .issue(campaign, signal)
      .catch(deps.onError)
      .finally(() => attended.delete(campaign.id));
    attended.set(campaign.id, { epoch: campaign.epoch, stop, ended });
  }

  while (!stopping.aborted) {
    await look().catch(deps.onError);
    await pause(limits.campaignLookMs, stopping);
  }
  await Promise.all([...attended.values()].map(({ ended }) => ended));
}

const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0);

function mayHaveWork(view: GateView): boolean {
  if (backlogOf(view) > 0) return true;
  const phase = phaseOf(view, view.remaining, gateTime(view, view.readAt));
  return phase === 'open' || phase === 'paused';
}
