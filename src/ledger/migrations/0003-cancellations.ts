// Tickets that were given back or discarded, and what it takes to redrive a dead letter.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

export const cancellations: Migration = {
  up: async (db) => {
    await createCancellations(db);
    await addRedrives(db);
  },
};

/**
 * Who gave back keeps that cancelled ticket for the life of the campaign: a rebuilt gate learns of it here, and a worker
 * that slept through it asks here. A row without `returned_at` is a unit that has yet to go back to the gate.
 */
async function createCancellations(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists cancellations (
    campaign varchar(63) character set ascii collate ascii_bin not null,
    epoch int unsigned not null,
    seq bigint unsigned not null,
    user varchar(128) character set ascii collate ascii_bin null,
    unit int unsigned null,
    kind varchar(16) character set ascii collate ascii_bin not null,
    actor varchar(200) character set utf8mb4 collate utf8mb4_bin not null,
    created_at datetime(3) not null default current_timestamp(3),
    returned_at datetime(3) null,
    primary key (campaign, epoch, seq),
    key cancellations_user (campaign, user),
    key cancellations_unreturned (returned_at, created_at),
    constraint cancellations_kind check (kind in ('cancelled', 'discarded'))
  ) engine = InnoDB default character set = ascii collate = ascii_bin row_format = dynamic`.execute(db);
}

/** One statement, so that it is done or not; MySQL has no `add column if not exists`. */
async function addRedrives(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql`select column_name from information_schema.columns
    where table_schema = database() and table_name = 'dead_letters' and column_name = 'redrive_count'`.execute(db);
  if (rows.length > 0) return;
  await sql`alter table dead_letters
    add column redrive_count int unsigned not null default 0,
    add column redriving_at datetime(3) null,
    add key dead_letters_redriving (redriving_at)`.execute(db);
}
