// Since then a look for campaigns to archive reads drained ones alone, however many are open.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** MySQL has no `add key if not exists`. */
export const endsIndex: Migration = {
  up: async (db: Kysely<unknown>) => {
    const { rows } = await sql`select index_name from information_schema.statistics
      where table_schema = database() and table_name = 'campaigns' and index_name = 'campaigns_to_archive'`.execute(db);
    if (rows.length > 0) return;
    await sql`alter table campaigns add key campaigns_to_archive (archived_at, drained_at)`.execute(db);
  },
};
