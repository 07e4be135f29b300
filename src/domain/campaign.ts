// A campaign is a sale: a stock, a window, limits. MySQL holds its truth; the gate holds a projection of it by version.
import {
  type CampaignSettings,
  CHANGEABLE,
  type GivenSettings,
  mapSettings,
  SETTINGS,
  type Setting,
} from './campaign-settings.ts';

export type CampaignState = 'active' | 'paused' | 'closed';

/** A campaign as the ledger keeps it. Times are epoch ms; 0 in `ratePerSecond` means no limit. */
export interface Campaign extends CampaignSettings {
  id: string;
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

/** What a campaign is created with: what it leaves out takes its default, see {@link newSettings}. */
export interface CampaignSpec extends GivenSettings<Exclude<Setting['name'], 'stock'>> {
  id: string;
  stock: number;
}

/** The settings that may change while a campaign lives; what is undefined or left out stays. */
export type CampaignPatch = GivenSettings<(typeof CHANGEABLE)[number]['name']>;

/** The settings of a new campaign: its name is its id, and its burst one second of the rate, where the spec has none. */
export function newSettings(spec: CampaignSpec): CampaignSettings {
  const { id, name = id, ratePerSecond = 0, burst = Math.max(1, ratePerSecond) } = spec;
  const given = { ...spec, name, burst };
  return mapSettings(SETTINGS, 'name', {
    name: (setting) => given[setting.name],
    instant: (setting) => given[setting.name] ?? setting.default,
    integer: (setting) => ('default' in setting ? (given[setting.name] ?? setting.default) : given[setting.name]),
  });
}

/** The campaign with the settings that the patch gives. */
export function patched<C extends CampaignSettings>(campaign: C, patch: CampaignPatch): C {
  const changed = mapSettings(CHANGEABLE, 'name', {
    name: (setting) => patch[setting.name] ?? campaign[setting.name],
    instant: ({ name }) => (patch[name] === undefined ? campaign[name] : patch[name]),
    integer: (setting) => patch[setting.name] ?? campaign[setting.name],
  });
  return { ...campaign, ...changed };
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
