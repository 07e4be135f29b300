// Since then a dead letter says when it was kept the last time, so that a policy can redrive it a while after that.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** One statement, so that it is done or not; MySQL has no `add column if not exists`. Letters of before say no time. */
export const lettersKept: Migration = {
  up: async (db: Kysely<unknown>) => {
    const { rows } = await sql`select column_name from information_schema.columns
      where table_schema = database() and table_name = 'dead_letters' and column_name = 'kept_at'`.execute(db);
    if (rows.length > 0) return;
    await sql`alter table dead_letters
      add column kept_at datetime(3) null,
      add key dead_letters_kept (state, reason, kept_at)`.execute(db);
  },
};
