// Campaigns as rows: the one place that knows both forms.
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Campaign, CampaignState, StoredCampaign } from '../domain/campaign.ts';
import { isCampaignName, NAME_EXPECTED } from '../domain/campaign-name.ts';
import { mapSettings, ofKind, SETTINGS } from '../domain/campaign-settings.ts';
import { Fault } from '../domain/fault.ts';
import { UINT32_MAX } from '../domain/uint32.ts';
import type { CampaignsTable, Schema } from './schema.ts';

/** Mean users of a dedupe bucket, so that hardly one has more than the 128 that Redis packs tightly. */
const BUCKET_USERS_MEAN = 90;
const BUCKETS_MIN = 16;

export const bucketsFor = (stock: number): number => Math.max(BUCKETS_MIN, Math.ceil(stock / BUCKET_USERS_MEAN));

const dateOf = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
const msOf = (date: Date | null): number | null => date?.getTime() ?? null;

export function campaignOf(row: Selectable<CampaignsTable>): StoredCampaign {
  return {
    id: row.id,
    ...mapSettings(SETTINGS, 'name', {
      name: ({ column }) => row[column],
      instant: ({ column }) => msOf(row[column]),
      integer: ({ column }) => row[column],
    }),
    buckets: row.buckets,
    state: row.state,
    version: row.version,
    projectedVersion: row.projected_version,
    drainedAt: msOf(row.drained_at),
    archivedAt: msOf(row.archived_at),
    purgedAt: msOf(row.purged_at),
    epoch: row.epoch,
    createdAt: row.created_at.getTime(),
  };
}

/** The columns that a change may write. */
export const columnsOf = (campaign: Omit<Campaign, 'id' | 'createdAt'>) => ({
  ...mapSettings(SETTINGS, 'column', {
    name: ({ name }) => campaign[name],
    instant: ({ name }) => dateOf(campaign[name]),
    integer: ({ name }) => campaign[name],
  }),
  buckets: campaign.buckets,
  state: campaign.state,
  version: campaign.version,
  epoch: campaign.epoch,
});

/** The row of a campaign, locked until the transaction ends. Throws `not-found`. */
export async function lockCampaign(tx: Kysely<Schema>, id: string): Promise<StoredCampaign> {
  const row = await tx.selectFrom('campaigns').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  if (row === undefined) throw new Fault('not-found', `the ledger has no campaign ${id}`);
  return campaignOf(row);
}

/** Writes what a change made of a campaign, and that its gate has yet to hear of it. */
export async function writeCampaign(tx: Kysely<Schema>, campaign: Campaign): Promise<void> {
  await tx
    .updateTable('campaigns')
    .set({ ...columnsOf(campaign), drained_at: null, updated_at: sql<Date>`current_timestamp(3)` })
    .where('id', '=', campaign.id)
    .execute();
}

/**
 * Throws `invalid`, naming the setting, for what the ledger could not keep (HTTP has finer bounds of its own), and
 * `conflict` for two settings that are good by themselves and contradict each other.
 */
export function assertKeepable(campaign: Omit<Campaign, 'id' | 'createdAt'>): void {
  const counts = [...ofKind('integer').map(({ name }) => name), 'buckets'] as const;
  for (const count of counts) {
    const value = campaign[count];
    if (Number.isInteger(value) && value >= 0 && value <= UINT32_MAX) continue;
    throw new Fault('invalid', `${count} is not a whole number from 0 to ${UINT32_MAX}`);
  }
  if (!isCampaignName(campaign.name)) throw new Fault('invalid', `name ${NAME_EXPECTED}`);
  if (campaign.stock < 1) throw new Fault('invalid', 'stock is less than 1');
  for (const { name } of ofKind('instant')) {
    const ms = campaign[name];
    if (ms !== null && Number.isNaN(new Date(ms).getTime())) throw new Fault('invalid', `${name} is not a time`);
  }
  const { opensAt, closesAt } = campaign;
  if (opensAt !== null && closesAt !== null && closesAt <= opensAt) {
    throw new Fault('conflict', 'closesAt is not after opensAt');
  }
}

/** A burst that nobody would look at is refused rather than kept. Throws `conflict`: it depends on what stands. */
export function withBurst<C extends Pick<Campaign, 'ratePerSecond'>>(wanted: C, burst: number | undefined): C {
  if (burst === undefined || wanted.ratePerSecond !== 0) return wanted;
  throw new Fault('conflict', 'burst needs a ratePerSecond above 0');
}

export const isFinal = (state: CampaignState): boolean => state === 'closed';
