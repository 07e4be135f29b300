// Since then a cancellation keeps the tag of its user, who is not always known: a ticket says no more of its holder.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { userTag } from '../../domain/ids.ts';

interface Tables {
  cancellations: { campaign: string; user: string | null; tag: string | null };
}

export const cancelledTags: Migration = {
  up: async (db: Kysely<Tables>) => {
    await addTag(db);
    await fillTags(db);
  },
};

/** One statement, so that it is done or not; MySQL has no `add column if not exists`. */
async function addTag(db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql`select column_name from information_schema.columns
    where table_schema = database() and table_name = 'cancellations' and column_name = 'tag'`.execute(db);
  if (rows.length > 0) return;
  await sql`alter table cancellations
    add column tag varchar(16) character set ascii collate ascii_bin null,
    add key cancellations_tag (campaign, tag)`.execute(db);
}

const PAGE = 1_000;

/** Run again it goes on where it was. */
async function fillTags(db: Kysely<Tables>): Promise<void> {
  for (;;) {
    const rows = await db
      .selectFrom('cancellations')
      .select(['campaign', 'user'])
      .where('tag', 'is', null)
      .where('user', 'is not', null)
      .limit(PAGE)
      .execute();
    for (const { campaign, user } of rows) {
      await db
        .updateTable('cancellations')
        .set({ tag: userTag(campaign, user!) })
        .where('campaign', '=', campaign)
        .where('user', '=', user)
        .execute();
    }
    if (rows.length < PAGE) return;
  }
}
