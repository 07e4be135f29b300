// Since then a dead letter names the span in which it was given up, so that its redrive is a child of that span.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** MySQL has no `add column if not exists`. */
export const letterSpans: Migration = {
  up: async (db: Kysely<unknown>) => {
    const { rows } = await sql`select column_name from information_schema.columns
      where table_schema = database() and table_name = 'dead_letters' and column_name = 'span_id'`.execute(db);
    if (rows.length > 0) return;
    await sql`alter table dead_letters add column span_id varchar(16) character set ascii collate ascii_bin null`.execute(
      db,
    );
  },
};
