// Brings the tables up to date; harmless when several processes start at once and when there is nothing to do.
import { type Migration, Migrator } from 'kysely/migration';
import { Fault } from '../domain/fault.ts';
import { ledger as firstTables } from './migrations/0001-ledger.ts';
import { epochs } from './migrations/0002-epochs.ts';
import { cancellations } from './migrations/0003-cancellations.ts';
import { userIds } from './migrations/0004-user-ids.ts';
import { cancelledTags } from './migrations/0005-cancelled-tags.ts';
import { lettersByUser } from './migrations/0006-letters-by-user.ts';
import { campaignEnds } from './migrations/0007-campaign-ends.ts';
import { endsIndex } from './migrations/0008-ends-index.ts';
import { letterSpans } from './migrations/0009-letter-spans.ts';
import { lettersKept } from './migrations/0010-letters-kept.ts';
import { epochsOpened } from './migrations/0011-epochs-opened.ts';
import { outbox } from './migrations/0012-outbox.ts';
import type { Ledger } from './pool.ts';

/** In order of their names, for ever: an executed migration is never renamed or changed. */
const MIGRATIONS: Record<string, Migration> = {
  '0001-ledger': firstTables,
  '0002-epochs': epochs,
  '0003-cancellations': cancellations,
  '0004-user-ids': userIds,
  '0005-cancelled-tags': cancelledTags,
  '0006-letters-by-user': lettersByUser,
  '0007-campaign-ends': campaignEnds,
  '0008-ends-index': endsIndex,
  '0009-letter-spans': letterSpans,
  '0010-letters-kept': lettersKept,
  '0011-epochs-opened': epochsOpened,
  '0012-outbox': outbox,
};

/** One statement of a migration, or the wait for another process that migrates: a table of millions of rows is rebuilt. */
const MIGRATION_MS = 3_600_000;

/**
 * Runs the migrations that have not run yet and returns their names. Whoever comes second waits for the first (a server
 * lock on the session that migrates, so it ends with its holder). Throws `ledger-unavailable` when it cannot be done.
 */
export async function migrate(ledger: Pick<Ledger, 'onOneConnection'>): Promise<string[]> {
  return ledger.onOneConnection(async (db) => {
    const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
    const { error, results = [] } = await migrator.migrateToLatest();
    if (error instanceof Fault) throw error;
    if (error !== undefined) throw new Fault('ledger-unavailable', 'the migrations failed', { cause: error });
    return results.map((result) => result.migrationName);
  }, MIGRATION_MS);
}

/** The migrations this database has had and those this version brings, by name; the first may hold some of a newer one. */
export async function executedMigrations(
  ledger: Pick<Ledger, 'run'>,
): Promise<{ executed: string[]; known: string[] }> {
  const known = Object.keys(MIGRATIONS);
  const { rows: tables } = await ledger.run("SHOW TABLES LIKE 'kysely\\_migration'", []);
  if (tables.length === 0) return { executed: [], known };
  const { rows } = await ledger.run('SELECT name FROM kysely_migration ORDER BY name', []);
  return { executed: rows.map(({ name }) => String(name)), known };
}
