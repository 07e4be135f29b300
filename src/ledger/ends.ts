// The ends of a campaign in the ledger. Archiving and purging are one transaction each that checks what is open while the
// campaign's row is locked: no row, letter or cancellation is written beside it, and afterwards its epoch or its stage refuses
// them.
import { type Kysely, sql } from 'kysely';
import type { StoredCampaign } from '../domain/campaign.ts';
import type { EndObstacle } from '../domain/campaign-end.ts';
import { isOver, neverHadGate } from '../domain/campaign-life.ts';
import { limits } from '../process/limits.ts';
import { auditEnd } from './audit.ts';
import { campaignOf, lockCampaign } from './campaign-rows.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

const now = sql<Date>`current_timestamp(3)`;
const ago = (ms: number) => sql<Date>`current_timestamp(3) - interval ${ms * 1_000} microsecond`;

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

/** A letter that lacks what issuing its ticket takes can never be redriven into the gate, so it may stay. */
const redrivable = (campaign: unknown) => sql<boolean>`exists (select 1 from dead_letters
  where dead_letters.campaign = ${campaign} and (state = 'redriving'
    or (state = 'kept' and user is not null and unit is not null and admitted_at is not null)))`;

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

/**
 * Ids of up to `limits.endsPerLook` drained campaigns behind the id `after` that ended more than `retainMs` ago, and whose
 * dead letters no operator can redrive.
 */
export async function listToArchive(ledger: Ledger, retainMs: number, after = ''): Promise<string[]> {
  const rows = await ledger.db
    .selectFrom('campaigns')
    .select('id')
    .where('archived_at', 'is', null)
    .where('id', '>', after)
    .where('projected_version', '>', 0)
    .where('drained_at', '<=', ago(Math.min(retainMs, limits.archiveRestMs)))
    .where((eb) =>
      eb.or([
        eb('closes_at', '<=', ago(retainMs)),
        // A closed campaign takes no change: it was closed when it was changed last.
        eb.and([eb('state', '=', 'closed'), eb('updated_at', '<=', ago(retainMs))]),
      ]),
    )
    .where((eb) => eb.not(redrivable(sql.ref('campaigns.id'))))
    .orderBy('id')
    .limit(limits.endsPerLook)
    .execute();
  return rows.map(({ id }) => id);
}

/** Up to `limits.endsPerLook` archived campaigns that may have keys in Redis. */
export async function listWithKeys(ledger: Ledger): Promise<StoredCampaign[]> {
  const rows = await ledger.db
    .selectFrom('campaigns')
    .selectAll()
    .where('keys_deleted_at', 'is', null)
    .where('archived_at', 'is not', null)
    .orderBy('archived_at')
    .limit(limits.endsPerLook)
    .execute();
  return rows.map(campaignOf);
}

/** Notes that the keys of an archived campaign were deleted, if it was archived more than `restMs` ago; else they are deleted again. */
export async function markKeysDeleted(ledger: Ledger, id: string, restMs: number): Promise<boolean> {
  const { numUpdatedRows } = await ledger.db
    .updateTable('campaigns')
    .set({ keys_deleted_at: now })
    .where('id', '=', id)
    .where('keys_deleted_at', 'is', null)
    .where('archived_at', '<=', ago(restMs))
    .executeTakeFirst();
  return numUpdatedRows > 0n;
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
