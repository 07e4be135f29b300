// The campaigns that have a gate. Duties, fronts and the doctor walk these alone: what is archived costs them nothing.
import type { Kysely } from 'kysely';
import type { StoredCampaign } from '../domain/campaign.ts';
import { limits } from '../process/limits.ts';
import { campaignOf } from './campaign-rows.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

/** `hasGate` of domain/campaign-life.ts in SQL. */
const gated = (db: Kysely<Schema>) =>
  db.selectFrom('campaigns').where('archived_at', 'is', null).where('projected_version', '>', 0);

/** Up to `limit` campaigns with a gate in order of their ids, beginning behind the id `after`; drained ones among them. */
export async function listGatedCampaigns(
  ledger: Ledger,
  page: { after?: string | undefined; limit: number },
): Promise<StoredCampaign[]> {
  let query = gated(ledger.db).selectAll().orderBy('id').limit(page.limit);
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  return (await query.execute()).map(campaignOf);
}

/** The same, their ids alone. */
export async function listGatedIds(
  ledger: Ledger,
  page: { after?: string | undefined; limit: number },
): Promise<string[]> {
  let query = gated(ledger.db).select('id').orderBy('id').limit(page.limit);
  if (page.after !== undefined) query = query.where('id', '>', page.after);
  return (await query.execute()).map(({ id }) => id);
}

/**
 * The campaigns that still need workers: all with a gate that nobody has declared drained since their last change, in pages by
 * their ids; never an empty page. Whoever keeps less than the campaigns themselves needs the memory of one page.
 */
export async function* liveCampaigns(ledger: Ledger): AsyncIterable<StoredCampaign[]> {
  for (let after = ''; ; ) {
    const rows = await gated(ledger.db)
      .selectAll()
      .where('drained_at', 'is', null)
      .where('id', '>', after)
      .orderBy('id')
      .limit(limits.campaignsPerLook)
      .execute();
    if (rows.length > 0) yield rows.map(campaignOf);
    if (rows.length < limits.campaignsPerLook) return;
    after = rows.at(-1)!.id;
  }
}

/** The same, all of them at once. */
export const listLiveCampaigns = async (ledger: Ledger): Promise<StoredCampaign[]> =>
  (await Array.fromAsync(liveCampaigns(ledger))).flat();
