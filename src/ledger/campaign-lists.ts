// Pages of campaigns for a list: those that are not archived by id, and the archived ones, the last one first.
import { type Kysely, sql } from 'kysely';
import type { CampaignState, StoredCampaign } from '../domain/campaign.ts';
import { campaignOf } from './campaign-rows.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

export interface CampaignFilter {
  state?: CampaignState | undefined;
  /** In the id or the name, whatever its case. */
  text?: string | undefined;
}

/** Up to `limit` campaigns that are not archived, in order of their ids, behind the id `after`. */
export async function listUnarchived(
  ledger: Ledger,
  filter: CampaignFilter,
  { after = '', limit }: { after?: string | undefined; limit: number },
): Promise<StoredCampaign[]> {
  const query = matching(ledger.db, filter).where('archived_at', 'is', null).where('id', '>', after);
  return (await query.orderBy('id').limit(limit).execute()).map(campaignOf);
}

/** Up to `limit` archived campaigns, those archived last first, behind `after`. */
export async function listArchived(
  ledger: Ledger,
  filter: CampaignFilter,
  { after, limit }: { after?: { archivedAt: number; id: string } | undefined; limit: number },
): Promise<StoredCampaign[]> {
  let query = matching(ledger.db, filter).where('archived_at', 'is not', null);
  if (after !== undefined) {
    const at = new Date(after.archivedAt);
    query = query
      .where('archived_at', '<=', at)
      .where((eb) => eb.or([eb('archived_at', '<', at), eb('id', '<', after.id)]));
  }
  return (await query.orderBy('archived_at', 'desc').orderBy('id', 'desc').limit(limit).execute()).map(campaignOf);
}

/** Kept dead letters of these campaigns, for those that have some. */
export async function countKept(ledger: Ledger, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await ledger.db
    .selectFrom('dead_letters')
    .select(['campaign', (eb) => eb.fn.countAll<number>().as('count')])
    .where('campaign', 'in', ids)
    .where('state', '=', 'kept')
    .groupBy('campaign')
    .execute();
  return new Map(rows.map(({ campaign, count }) => [campaign, Number(count)]));
}

function matching(db: Kysely<Schema>, { state, text }: CampaignFilter) {
  let query = db.selectFrom('campaigns').selectAll();
  if (state !== undefined) query = query.where('state', '=', state);
  if (text === undefined) return query;
  // Ids are ASCII, which the database compares with nothing else.
  return query.where(
    sql<boolean>`(locate(lower(${text}), convert(id using utf8mb4)) > 0 or locate(lower(${text}), lower(name)) > 0)`,
  );
}
