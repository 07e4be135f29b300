// What the ledger remembers of the gates that follow it: how far each has heard, and which campaigns are done with.
import { sql } from 'kysely';
import type { StoredCampaign } from '../domain/campaign.ts';
import { campaignOf } from './campaign-rows.ts';
import { BY_KEY, byCampaign, idsOf } from './epochs.ts';
import type { Ledger } from './pool.ts';
import { retrying } from './retry.ts';

/** Up to `limit` campaigns with a change that their gate has not heard of. */
export async function listUnprojected(ledger: Ledger, limit = 1_000): Promise<StoredCampaign[]> {
  const query = ledger.db
    .selectFrom('campaigns')
    .selectAll()
    .where('archived_at', 'is', null)
    .whereRef('projected_version', '<', 'version');
  return (await query.orderBy('id').limit(limit).execute()).map(campaignOf);
}

/** Notes that the gate has heard of `version`. Moves forward only, and never beyond what there is; true when it moved. */
export async function markProjected(ledger: Ledger, id: string, version: number): Promise<boolean> {
  const update = ledger.db
    .updateTable('campaigns')
    .set({ projected_version: version })
    .where('id', '=', id)
    .where('projected_version', '<', version)
    .where('version', '>=', version);
  const { numUpdatedRows } = await retrying(() => update.executeTakeFirst());
  return numUpdatedRows > 0n;
}

/** The same for many gates at once. */
export async function markAllProjected(
  ledger: Ledger,
  projected: readonly { campaign: string; version: number }[],
): Promise<void> {
  const version = byCampaign(projected, (one) => one.version, 'id');
  const update = sql`update campaigns ${BY_KEY} set projected_version = ${version}
    where id in (${sql.join(idsOf(projected))}) and projected_version < ${version} and version >= ${version}`;
  await retrying(() => update.execute(ledger.db));
}

/** Declares that nothing is left to do for `version` of a campaign; false when it has changed since and is live again. */
export async function markDrained(ledger: Ledger, id: string, version: number): Promise<boolean> {
  const update = ledger.db
    .updateTable('campaigns')
    .set({ drained_at: sql<Date>`current_timestamp(3)` })
    .where('id', '=', id)
    .where('version', '=', version);
  const { numUpdatedRows } = await retrying(() => update.executeTakeFirst());
  return numUpdatedRows > 0n;
}

/** Declares that something is left to do for a campaign after all; false when it was live anyway. */
export async function markLive(ledger: Ledger, id: string): Promise<boolean> {
  const update = ledger.db
    .updateTable('campaigns')
    .set({ drained_at: null })
    .where('id', '=', id)
    .where('drained_at', 'is not', null)
    .where('archived_at', 'is', null);
  const { numUpdatedRows } = await retrying(() => update.executeTakeFirst());
  return numUpdatedRows > 0n;
}
