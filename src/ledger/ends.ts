// The ends of a campaign in the ledger. Archiving and purging are one transaction each that checks what is open while the
// campaign's row is locked: no row, letter or cancellation is written beside it, and afterwards its epoch or its stage refuses
// them.
import { type Kysely, sql } from 'kysely';
import type { StoredCampaign } from '../domain/campaign.ts';
import type { EndObstacle } from '../domain/campaign-end.ts';
import { isOver, neverHadGate } from '../domain/campaign-life.ts';
import { auditEnd } from './audit.ts';
import { lockCampaign } from './campaign-rows.ts';
import { redrivable } from './due-ends.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

const now = sql<Date>`current_timestamp(3)`;

/** What a gate knew when it was shut. */
interface ShutGate {
  leftCount: number;
  admittedCount: number;
}

/**
 * Archives a campaign whose life is drained, audited: an epoch begins that no gate will have. `shut` shuts the gate under
 * that epoch, within the transaction; undefined where it must go on. Undefined once it is archived, now or before. Throws
 * `not-found`.
 */
export function archiveCampaign(
  ledger: Ledger,
  id: string,
  actor: string,
  shut: (campaign: StoredCampaign, to: number) => Promise<ShutGate | undefined>,
): Promise<EndObstacle | undefined> {
  return ledger.transaction(async (tx) => {
    const before = await lockCampaign(tx, id);
    const obstacle = await archiveObstacle(tx, before);
    if (obstacle !== undefined || isOver(before)) return obstacle;
    const epoch = before.epoch + 1;
    const gate = await shut(before, epoch);
    if (gate === undefined) return 'gate';
    const counts = { left_count: gate.leftCount, admitted_count: gate.admittedCount };
    await tx
      .updateTable('campaigns')
      .set({ epoch, archived_at: now, ...counts })
      .where('id', '=', id)
      .execute();
    await auditEnd(tx, { actor, action: 'archive', campaign: id, told: { epoch, ...gate } });
    return undefined;
  });
}

/** Why this campaign cannot be archived by what the ledger says; undefined when it can, or is archived. */
export async function archiveObstacle(db: Kysely<Schema>, campaign: StoredCampaign): Promise<EndObstacle | undefined> {
  if (isOver(campaign)) return undefined;
  if (neverHadGate(campaign)) return 'draft';
  if (campaign.drainedAt === null) return 'not-drained';
  if (await hasRedrivable(db, campaign.id)) return 'dead-letters';
  return (await hasUnreturned(db, campaign.id)) ? 'returns' : undefined;
}

async function hasRedrivable(db: Kysely<Schema>, campaign: string): Promise<boolean> {
  const found = await db
    .selectFrom('campaigns')
    .select('id')
    .where('id', '=', campaign)
    .where(redrivable(campaign))
    .executeTakeFirst();
  return found !== undefined;
}

async function hasUnreturned(db: Kysely<Schema>, campaign: string): Promise<boolean> {
  const found = await db
    .selectFrom('cancellations')
    .select('seq')
    .where('campaign', '=', campaign)
    .where('returned_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** Notes that the keys of an archived campaign were deleted for the last time. */
export async function markKeysDeleted(ledger: Ledger, id: string): Promise<void> {
  await ledger.db
    .updateTable('campaigns')
    .set({ keys_deleted_at: now })
    .where('id', '=', id)
    .where('archived_at', 'is not', null)
    .execute();
}

/** Notes that an archived campaign may have keys again: an old Redis was put back. */
export async function expectKeys(ledger: Ledger, id: string): Promise<void> {
  await ledger.db
    .updateTable('campaigns')
    .set({ keys_deleted_at: null })
    .where('id', '=', id)
    .where('archived_at', 'is not', null)
    .execute();
}

/** Those of `tags` whose ticket of this campaign has a cancellation. */
export async function cancelledTags(
  ledger: Ledger,
  campaign: string,
  tags: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await ledger.db
    .selectFrom('cancellations')
    .select('tag')
    .where('campaign', '=', campaign)
    .where('tag', 'in', tags)
    .execute();
  return new Set(rows.map(({ tag }) => tag!));
}
