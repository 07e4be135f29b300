// A ticket has a row or a cancellation, never both: a cancellation is written while no INSERT of the campaign is under
// way, and every INSERT asks for the cancellations of its users.
import type { Kysely } from 'kysely';
import { userTag } from '../domain/ids.ts';
import { limits } from '../process/limits.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

/**
 * Waits for the INSERTs of the campaign that are under way, and holds those to come until the transaction ends. To be the
 * first lock of a transaction, as it is of an INSERT.
 */
export async function holdIssuing(tx: Kysely<Schema>, campaign: string): Promise<void> {
  await tx.selectFrom('campaigns').select('id').where('id', '=', campaign).forUpdate().executeTakeFirst();
}

/** By ledger: the campaigns in which somebody gave a ticket back. A cancellation is never taken away. */
const crowded = new WeakMap<Ledger, Set<string>>();

/** Whether the campaign is known to have a cancellation. */
export const hasCancellations = (ledger: Ledger, campaign: string): boolean =>
  crowded.get(ledger)?.has(campaign) ?? false;

/** Looks whether the campaign has a cancellation, and remembers it. */
export async function findCancellations(ledger: Ledger, campaign: string): Promise<boolean> {
  const row = await ledger.db
    .selectFrom('cancellations')
    .select('seq')
    .where('campaign', '=', campaign)
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return false;
  const known = crowded.get(ledger) ?? new Set();
  if (known.size >= limits.ledgerCampaignsMax) known.clear();
  crowded.set(ledger, known.add(campaign));
  return true;
}

/** Those of `users` whose ticket of this campaign is cancelled. */
export async function cancelledUsers(
  ledger: Ledger,
  campaign: string,
  users: readonly string[],
): Promise<ReadonlySet<string>> {
  if (users.length === 0) return new Set();
  const userOf = new Map(users.map((user) => [userTag(campaign, user), user]));
  const rows = await ledger.db
    .selectFrom('cancellations')
    .select('tag')
    .where('campaign', '=', campaign)
    .where('tag', 'in', [...userOf.keys()])
    .execute();
  return new Set(rows.map(({ tag }) => userOf.get(tag!)!));
}
