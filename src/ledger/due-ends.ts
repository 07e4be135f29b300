// Which campaigns are to be archived, purged, or tidied after either. While none is, a look is one statement that reads no
// row of a campaign which has ended: each condition is a range of an index, see migrations/0007 and 0008.
import { type ExpressionBuilder, type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { StoredCampaign } from '../domain/campaign.ts';
import type { DueEnds, Retention } from '../domain/campaign-end.ts';
import { limits } from '../process/limits.ts';
import { campaignOf } from './campaign-rows.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

const ago = (ms: number) => sql<Date>`current_timestamp(3) - interval ${ms * 1_000} microsecond`;

/** A letter that lacks what issuing its ticket takes can never be redriven into the gate, so it may stay. */
export const redrivable = (campaign: unknown) => sql<boolean>`exists (select 1 from dead_letters
  where dead_letters.campaign = ${campaign} and (state = 'redriving'
    or (state = 'kept' and user is not null and unit is not null and admitted_at is not null)))`;

/** Drained campaigns that ended more than `retainMs` ago, and whose dead letters no operator can redrive. */
const toArchive = (db: Kysely<Schema>, retainMs: number) =>
  db
    .selectFrom('campaigns')
    .where('archived_at', 'is', null)
    .where('projected_version', '>', 0)
    .where('drained_at', '<=', ago(Math.min(retainMs, limits.archiveRestMs)))
    .where((eb) =>
      eb.or([
        eb('closes_at', '<=', ago(retainMs)),
        // A closed campaign takes no change: it was closed when it was changed last.
        eb.and([eb('state', '=', 'closed'), eb('updated_at', '<=', ago(retainMs))]),
      ]),
    )
    .where((eb) => eb.not(redrivable(sql.ref('campaigns.id'))));

/** Campaigns that were archived more than `restMs` ago and may have keys in Redis. */
const withKeys = (db: Kysely<Schema>, restMs: number) =>
  db.selectFrom('campaigns').where('keys_deleted_at', 'is', null).where('archived_at', '<=', ago(restMs));

/** Campaigns that were archived more than `retainMs` ago and have no letter that waits for an operator. */
const toPurge = (db: Kysely<Schema>, retainMs: number) =>
  db
    .selectFrom('campaigns')
    .where('purged_at', 'is', null)
    .where('archived_at', '<=', ago(retainMs))
    .where(
      sql<boolean>`not exists (select 1 from dead_letters
        where dead_letters.campaign = campaigns.id and state in ('kept', 'redriving'))`,
    );

/** Purged campaigns that may have rows. */
const withRows = (db: Kysely<Schema>) =>
  db.selectFrom('campaigns').where('rows_deleted_at', 'is', null).where('purged_at', 'is not', null);

/** Buyers to erase in campaigns that are archived by now. */
export const toErase = (db: Kysely<Schema>) =>
  db
    .selectFrom('erasures')
    .innerJoin('campaigns', 'campaigns.id', 'erasures.campaign')
    .where('campaigns.archived_at', 'is not', null);

/** Whether there is any of each, by one statement. Without `purgeMs` nothing is to be purged. */
export async function findDue(ledger: Ledger, { archiveMs, keysRestMs, purgeMs }: Retention): Promise<DueEnds> {
  const { db } = ledger;
  const any = <T extends keyof Schema>(
    eb: ExpressionBuilder<Schema, never>,
    query: SelectQueryBuilder<Schema, T, object>,
  ) => eb.exists(query.select(sql`1`.as('one')));
  const found = await db
    .selectNoFrom((eb) => [
      any(eb, toArchive(db, archiveMs)).as('archive'),
      any(eb, withKeys(db, keysRestMs)).as('keys'),
      any(eb, purgeMs === undefined ? withRows(db).where(sql<boolean>`false`) : toPurge(db, purgeMs)).as('purge'),
      any(eb, withRows(db)).as('rows'),
      any(eb, toErase(db)).as('erase'),
    ])
    .executeTakeFirstOrThrow();
  const due = (value: unknown) => Number(value) === 1;
  return {
    archive: due(found.archive),
    keys: due(found.keys),
    purge: due(found.purge),
    rows: due(found.rows),
    erase: due(found.erase),
  };
}

/** Ids of up to `limits.endsPerLook` campaigns to archive behind the id `after`. */
export async function listToArchive(ledger: Ledger, retainMs: number, after = ''): Promise<string[]> {
  const some = toArchive(ledger.db, retainMs).where('id', '>', after).orderBy('id').limit(limits.endsPerLook);
  return (await some.select('id').execute()).map(({ id }) => id);
}

/** Up to `limits.endsPerLook` campaigns that were archived more than `restMs` ago and may have keys in Redis. */
export async function listWithKeys(ledger: Ledger, restMs: number): Promise<StoredCampaign[]> {
  const some = withKeys(ledger.db, restMs).orderBy('archived_at').limit(limits.endsPerLook);
  return (await some.selectAll().execute()).map(campaignOf);
}

/** Ids of up to `limits.endsPerLook` campaigns to purge. */
export async function listToPurge(ledger: Ledger, retainMs: number): Promise<string[]> {
  const some = toPurge(ledger.db, retainMs).orderBy('archived_at').limit(limits.endsPerLook);
  return (await some.select('id').execute()).map(({ id }) => id);
}

/** Ids of up to `limits.endsPerLook` purged campaigns that may have rows. */
export async function listWithRows(ledger: Ledger): Promise<string[]> {
  const some = withRows(ledger.db).orderBy('purged_at').limit(limits.endsPerLook);
  return (await some.select('id').execute()).map(({ id }) => id);
}
