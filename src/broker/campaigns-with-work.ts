// Which campaigns may have tickets for a worker: looked up in the ledger and in the gates.
import { type Campaign, phaseOf } from '../domain/campaign.ts';
import { isFault } from '../domain/fault.ts';
import { backlogOf, type GateView, gateTime } from '../domain/gate-view.ts';
import type { ReadEachGate } from '../gate/port.ts';

/** A campaign whose entries are carried, as one epoch of its gate gives them out. */
export interface CarriedCampaign {
  id: string;
  epoch: number;
  shards: number;
}

export interface CampaignsWithWork {
  found: readonly CarriedCampaign[];
  /** Campaigns whose gate could not be read: nothing is known of them. */
  unreadable: ReadonlySet<string>;
}

export interface CampaignLookDeps {
  listLiveCampaigns: () => Promise<Campaign[]>;
  readGates: ReadEachGate;
  /** Takes how many tickets wait, and how many are being retried, over all campaigns. */
  onLook: (backlog: number, retrying: number) => void;
  onError: (error: unknown) => void;
}

/** Throws a Fault when the ledger or Redis is out of reach. */
export async function lookForWork(deps: CampaignLookDeps): Promise<CampaignsWithWork> {
  const live = await deps.listLiveCampaigns();
  const views = await deps.readGates(live.map((campaign) => campaign.id));
  const known = views.filter((view): view is GateView => view !== undefined && !isFault(view));
  const unreadable = new Set(live.filter((_, index) => isFault(views[index])).map(({ id }) => id));
  for (const view of views) if (isFault(view)) deps.onError(view);
  // A sum without the unreadable ones would show a backlog that has vanished.
  if (unreadable.size === 0) deps.onLook(sum(known.map(backlogOf)), sum(known.map((view) => view.retryingCount)));
  return { found: known.filter(mayHaveWork), unreadable };
}

const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0);

function mayHaveWork(view: GateView): boolean {
  if (backlogOf(view) > 0) return true;
  const phase = phaseOf(view, view.remaining, gateTime(view, view.readAt));
  return phase === 'open' || phase === 'paused';
}
