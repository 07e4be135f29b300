// How far the end of a campaign has come, and buyers who asked to be erased while a campaign still needed their id.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

export const campaignEnds: Migration = {
  up: async (db) => {
    await addEnds(db);
    await createErasures(db);
  },
};

/**
 * One statement, so that it is done or not; MySQL has no `add column if not exists`. The first key is of those that walk
 * campaigns with a gate, the others of those that look for what is to be archived, deleted and purged: archived campaigns
 * are in none of the ranges that are read again and again.
 */
async function addEnds(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql`select column_name from information_schema.columns
    where table_schema = database() and table_name = 'campaigns' and column_name = 'archived_at'`.execute(db);
  if (rows.length > 0) return;
  await sql`alter table campaigns
    add column archived_at datetime(3) null,
    add column keys_deleted_at datetime(3) null,
    add column purged_at datetime(3) null,
    add column rows_deleted_at datetime(3) null,
    add column left_count int unsigned null,
    add column admitted_count bigint unsigned null,
    add key campaigns_gated (archived_at, id),
    add key campaigns_keys_deleted (keys_deleted_at, archived_at),
    add key campaigns_purged (purged_at, archived_at),
    add key campaigns_rows_deleted (rows_deleted_at, purged_at)`.execute(db);
}

/** A row goes when the campaign is archived and the id is replaced. */
async function createErasures(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists erasures (
    campaign varchar(63) character set ascii collate ascii_bin not null,
    user varchar(128) character set utf8mb4 collate utf8mb4_bin not null,
    actor varchar(200) character set utf8mb4 collate utf8mb4_bin not null,
    asked_at datetime(3) not null default current_timestamp(3),
    primary key (campaign, user)
  ) engine = InnoDB default character set = ascii collate = ascii_bin row_format = dynamic`.execute(db);
}
