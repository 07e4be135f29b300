// User ids are any text since then, not ASCII alone. Compared by their code points: two ids that look alike stay two.
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Rows stay as they are: every ASCII text is the same text here. Run again it changes nothing. */
export const userIds: Migration = {
  up: async (db) => {
    const columns = { issuances: 'not null', dead_letters: 'null', cancellations: 'null' };
    for (const [table, nullable] of Object.entries(columns)) {
      await sql`alter table ${sql.table(table)}
        modify column user varchar(128) character set utf8mb4 collate utf8mb4_bin ${sql.raw(nullable)}`.execute(db);
    }
  },
};
