// Purging: the rows of an archived campaign leave the ledger. The campaign's own row stays, with its last tranche, so that
// its id is never given again: the tickets that were signed for it would be tickets of the next campaign.
//
// Order of effects: purged, in one transaction that checks that nothing is open → rows deleted in batches → noted that none
// is left. A crash between two batches leaves rows for the next look; polls are answered 410 from the first step on.
import { type Kysely, sql } from 'kysely';
import type { EndObstacle } from '../domain/campaign-end.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import { auditEnd } from './audit.ts';
import { lockCampaign } from './campaign-rows.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

const now = sql<Date>`current_timestamp(3)`;

/** Purges an archived campaign, audited with `counts`; undefined once it is purged, now or before. Throws `not-found`. */
export function purgeCampaign(
  ledger: Ledger,
  id: string,
  actor: string,
  counts: Record<string, number>,
): Promise<EndObstacle | undefined> {
  return ledger.transaction(async (tx) => {
    const before = await lockCampaign(tx, id);
    if (before.purgedAt !== null) return undefined;
    const obstacle = await purgeObstacle(tx, before);
    if (obstacle !== undefined) return obstacle;
    await tx.updateTable('campaigns').set({ purged_at: now }).where('id', '=', id).execute();
    await auditEnd(tx, { actor, action: 'purge', campaign: id, told: { rows: counts } });
    return undefined;
  });
}

/** A kept letter is a ticket that is still open, whether or not it can be redriven: an operator discards it first. */
export async function purgeObstacle(
  db: Kysely<Schema>,
  { id, archivedAt }: { id: string; archivedAt: number | null },
): Promise<EndObstacle | undefined> {
  if (archivedAt === null) return 'not-archived';
  const letter = await db
    .selectFrom('dead_letters')
    .select('id')
    .where('campaign', '=', id)
    .where('state', 'in', ['kept', 'redriving'])
    .limit(1)
    .executeTakeFirst();
  return letter === undefined ? undefined : 'dead-letters';
}

/** What a purge takes of each table. `audit_log`: lines about single tickets, which say whose they were; others stay. */
const GOES: Record<string, (id: string) => ReturnType<typeof sql>> = {
  issuances: (id) => sql`campaign = ${id}`,
  cancellations: (id) => sql`campaign = ${id}`,
  dead_letters: (id) => sql`campaign = ${id}`,
  erasures: (id) => sql`campaign = ${id}`,
  epochs: (id) => sql`campaign = ${id}`,
  audit_log: (id) => sql`campaign = ${id} and action in ('redrive', 'discard')`,
  idempotency_keys: (id) => sql`scope = ${`add-stock:${id}`}`,
  tranches: (id) => sql`campaign = ${id} and last_unit < (select stock from campaigns where id = ${id})`,
};

/** Rows that a purge takes, by table; those of tables that have none are left out. */
export async function countRows(ledger: Ledger, id: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [table, which] of Object.entries(GOES)) {
    const { rows } = await sql<{
      count: number;
    }>`select count(*) as count from ${sql.table(table)} where ${which(id)}`.execute(ledger.db);
    if (Number(rows[0]!.count) > 0) counts[table] = Number(rows[0]!.count);
  }
  return counts;
}

/**
 * Deletes rows of a purged campaign, `limits.rowsPerDelete` at a time with rests in between (`limits.deleteRests`), until none
 * is left or `isEnough` says so. True when none is left, which is noted.
 */
export async function deleteRows(ledger: Ledger, id: string, isEnough: () => boolean): Promise<boolean> {
  for (const [table, which] of Object.entries(GOES)) {
    for (;;) {
      const startedAt = performance.now();
      const { numAffectedRows = 0n } = await sql`delete from ${sql.table(table)}
        where ${which(id)} limit ${limits.rowsPerDelete}`.execute(ledger.db);
      if (numAffectedRows < limits.rowsPerDelete) break;
      if (isEnough()) return false;
      await pause(Math.min(limits.deleteRestMaxMs, limits.deleteRests * (performance.now() - startedAt)));
    }
  }
  await ledger.db
    .updateTable('campaigns')
    .set({ rows_deleted_at: now })
    .where('id', '=', id)
    .where('purged_at', 'is not', null)
    .execute();
  return true;
}
