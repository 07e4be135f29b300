// A user has a row, a cancellation or a kept dead letter, never two of them: a cancellation and a letter are written while
// no INSERT of the campaign is under way, and every INSERT asks for the cancellations and letters of its users.
import type { Kysely } from 'kysely';
import { Fault } from '../domain/fault.ts';
import { userTag } from '../domain/ids.ts';
import { limits } from '../process/limits.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

/** What a campaign says while its issuing is held. */
interface HeldCampaign {
  epoch: number;
  /** What became of its tickets stands, and its gate is no more. */
  isArchived: boolean;
}

/**
 * Waits for the INSERTs of the campaign that are under way, and holds those to come until the transaction ends. To be the
 * first lock of a transaction, as it is of an INSERT. Undefined when there is no such campaign.
 */
export async function holdIssuing(tx: Kysely<Schema>, campaign: string): Promise<HeldCampaign | undefined> {
  const row = await tx
    .selectFrom('campaigns')
    .select(['epoch', 'archived_at'])
    .where('id', '=', campaign)
    .forUpdate()
    .executeTakeFirst();
  return row && { epoch: row.epoch, isArchived: row.archived_at !== null };
}

/** The same for a change of a ticket; throws `archived` where there can be none any more. */
export async function holdForChange(tx: Kysely<Schema>, campaign: string): Promise<void> {
  const held = await holdIssuing(tx, campaign);
  if (held?.isArchived)
    throw new Fault('archived', 'This campaign has ended, and its tickets cannot be changed any more');
}

/** As {@link holdIssuing}, for the campaign of a letter. */
export async function holdIssuingOf(tx: Kysely<Schema>, letterId: number): Promise<HeldCampaign | undefined> {
  const letter = await tx.selectFrom('dead_letters').select('campaign').where('id', '=', letterId).executeTakeFirst();
  return letter && holdIssuing(tx, letter.campaign);
}

/** By ledger: the campaigns that had a cancellation or a kept letter. Few campaigns lose their last one again. */
const crowded = new WeakMap<Ledger, Set<string>>();

/** Whether the campaign is known to have had a cancellation or a kept letter. */
export const hasExclusions = (ledger: Ledger, campaign: string): boolean => crowded.get(ledger)?.has(campaign) ?? false;

/** Looks whether the campaign has a cancellation or a kept letter, and remembers it. */
export async function findExclusions(ledger: Ledger, campaign: string): Promise<boolean> {
  const cancellation = await ledger.db
    .selectFrom('cancellations')
    .select('seq')
    .where('campaign', '=', campaign)
    .limit(1)
    .executeTakeFirst();
  if (cancellation === undefined && !(await hasKeptLetter(ledger, campaign))) return false;
  const known = crowded.get(ledger) ?? new Set();
  if (known.size >= limits.ledgerCampaignsMax) known.clear();
  crowded.set(ledger, known.add(campaign));
  return true;
}

async function hasKeptLetter(ledger: Ledger, campaign: string): Promise<boolean> {
  const letter = await ledger.db
    .selectFrom('dead_letters')
    .select('user')
    .where('campaign', '=', campaign)
    .where('state', '=', 'kept')
    .where('user', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return letter !== undefined;
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

/** The ticket of a kept letter, as far as it decides about another ticket of its user. */
export interface KeptTicket {
  unit: number | null;
  reason: string;
}

/** The kept letters of `users`, by user. */
export async function keptTickets(
  ledger: Ledger,
  campaign: string,
  users: readonly string[],
): Promise<ReadonlyMap<string, KeptTicket>> {
  if (users.length === 0) return new Map();
  const rows = await ledger.db
    .selectFrom('dead_letters')
    .select(['user', 'unit', 'reason'])
    .where('campaign', '=', campaign)
    .where('state', '=', 'kept')
    .where('user', 'in', users)
    .execute();
  return new Map(rows.map(({ user, ...kept }) => [user!, kept]));
}
