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

/** A campaign and how far its life has come, see campaign-life.ts. Times are epoch ms; null: not yet. */
export type StoredCampaign = Campaign & {
  /** The newest of its versions that its gate is known to have; 0 while it never had one. */
  projectedVersion: number;
  /** When it was declared drained, after its last change. */
  drainedAt: number | null;
  archivedAt: number | null;
  purgedAt: number | null;
};

/** What a campaign is created with. Times are epoch ms; 0 means no limit in `ratePerSecond`, no bound in `backlogMax`. */
export interface CampaignSpec {
  id: string;
  stock: number;
  /** The id, when not given. */
  name?: string | undefined;
  opensAt?: number | null | undefined;
  closesAt?: number | null | undefined;
  ratePerSecond?: number | undefined;
  /** One second of the rate, when not given. */
  burst?: number | undefined;
  backlogMax?: number | undefined;
  shards?: number | undefined;
}

/** The settings that may change while a campaign lives; what is undefined or left out stays. */
export type CampaignPatch = Omit<CampaignSpec, 'id' | 'stock' | 'shards'>;

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
