// Since then a look for gates that were opened in the last moments reads those alone.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** MySQL has no `add key if not exists`. */
export const epochsOpened: Migration = {
  up: async (db: Kysely<unknown>) => {
    const { rows } = await sql`select index_name from information_schema.statistics
      where table_schema = database() and table_name = 'epochs' and index_name = 'epochs_opened'`.execute(db);
    if (rows.length > 0) return;
    await sql`alter table epochs add key epochs_opened (opened_at)`.execute(db);
  },
};
