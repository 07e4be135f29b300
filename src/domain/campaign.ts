// A campaign is a sale: a stock, a window, limits. MySQL holds its truth; the gate holds a projection of it by version.

export type CampaignState = 'active' | 'paused' | 'closed';

/** The settings of a campaign as the ledger keeps them. Times are epoch ms; 0 in `ratePerSecond` means no limit. */
export interface Campaign {
  id: string;
  name: string;
  stock: number;
  opensAt: number | null;
  closesAt: number | null;
  ratePerSecond: number;
  burst: number;
  backlogMax: number;
  shards: number;
  /** Hash buckets that remember who was admitted; fixed for life, because it decides where a user is looked up. */
  buckets: number;
  state: CampaignState;
  /** Counts changes; the gate takes a projection only if its version is newer than the one it has. */
  version: number;
  /** Generation of the gate: a rebuilt gate is a new one. */
  epoch: number;
  createdAt: number;
}

export type Phase = 'scheduled' | 'open' | 'paused' | 'sold-out' | 'ended';

/** What a buyer may know of a campaign at `nowMs`, decided in the same order as the gate script decides it. */
export function phaseOf(
  campaign: Pick<Campaign, 'state' | 'opensAt' | 'closesAt'>,
  remaining: number,
  nowMs: number,
): Phase {
  if (campaign.state === 'closed' || (campaign.closesAt !== null && nowMs >= campaign.closesAt)) return 'ended';
  if (campaign.state === 'paused') return 'paused';
  if (campaign.opensAt !== null && nowMs < campaign.opensAt) return 'scheduled';
  return remaining <= 0 ? 'sold-out' : 'open';
}
