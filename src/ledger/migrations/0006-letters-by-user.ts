// Since then every INSERT asks for the kept dead letters of its users.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The index alone answers the question. MySQL has no `add key if not exists`. */
export const lettersByUser: Migration = {
  up: async (db: Kysely<unknown>) => {
    const { rows } = await sql`select index_name from information_schema.statistics
      where table_schema = database() and table_name = 'dead_letters' and index_name = 'dead_letters_user'`.execute(db);
    if (rows.length > 0) return;
    await sql`alter table dead_letters add key dead_letters_user (campaign, state, user)`.execute(db);
  },
};
