// Erasing a buyer: their id is replaced by a pseudonym of each campaign's own, made at random, so that nothing in the
// ledger leads back to it. A campaign that is not archived needs the id, because it keeps one ticket a buyer: there the wish
// is written down, and done once it is archived.
import { randomBytes } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { ERASED_PREFIX } from '../domain/erased.ts';
import { limits } from '../process/limits.ts';
import { auditEnd } from './audit.ts';
import { kindOf } from './errors.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

/** Campaigns that have the id of a buyer. */
export interface Erasure {
  /** Archived: it is erased there, or would be. */
  erased: string[];
  /** It is erased there once they are archived. */
  later: string[];
}

/** In which campaigns the ledger has the id of this user. Asks each campaign's keys, 500 campaigns a statement. */
export async function findUser(ledger: Ledger, user: string): Promise<Erasure> {
  const found: Erasure = { erased: [], later: [] };
  for (let after = ''; ; ) {
    const page = await ledger.db
      .selectFrom('campaigns')
      .select(['id', 'archived_at'])
      .where('rows_deleted_at', 'is', null)
      .where('id', '>', after)
      .orderBy('id')
      .limit(limits.campaignsPerRead)
      .execute();
    if (page.length === 0) return found;
    after = page.at(-1)!.id;
    const having = await campaignsOf(
      ledger,
      user,
      page.map(({ id }) => id),
    );
    for (const { id, archived_at } of page) {
      if (having.has(id)) found[archived_at === null ? 'later' : 'erased'].push(id);
    }
  }
}

async function campaignsOf(ledger: Ledger, user: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const having = new Set<string>();
  for (const table of ['issuances', 'cancellations', 'dead_letters'] as const) {
    // Every state of a letter is asked for, because its key has the state before the user.
    const states = table === 'dead_letters' ? sql`and state in ('kept', 'redriving', 'redriven', 'discarded')` : sql``;
    const { rows } = await sql<{ campaign: string }>`select distinct campaign from ${sql.table(table)}
      where campaign in (${sql.join(ids)}) ${states} and user = ${user}`.execute(ledger.db);
    for (const { campaign } of rows) having.add(campaign);
  }
  return having;
}

/** Erases the id of a user, or writes down that it is to be erased, campaign by campaign. May be done again. */
export async function eraseUser(ledger: Ledger, user: string, actor: string): Promise<Erasure> {
  const found = await findUser(ledger, user);
  const done: Erasure = { erased: [], later: [] };
  for (const id of [...found.erased, ...found.later]) done[await eraseIn(ledger, id, user, actor)].push(id);
  return done;
}

/** The campaign is locked: it is archived before this or after it, and then the wish is found. */
async function eraseIn(ledger: Ledger, campaign: string, user: string, actor: string): Promise<keyof Erasure> {
  try {
    return await ledger.transaction(async (tx) => {
      const { archived_at } = await tx
        .selectFrom('campaigns')
        .select('archived_at')
        .where('id', '=', campaign)
        .forUpdate()
        .executeTakeFirstOrThrow();
      if (archived_at !== null) {
        await replaceUser(tx, campaign, user, actor);
        return 'erased';
      }
      await tx.insertInto('erasures').values({ campaign, user, actor }).execute();
      return 'later';
    });
  } catch (error) {
    if (kindOf(error) !== 'duplicate') throw error;
    return 'later';
  }
}

/** Does what was written down for campaigns that are archived by now, up to `limits.endsPerLook`. Returns how many. */
export async function eraseLeft(ledger: Ledger): Promise<number> {
  const due = await ledger.db
    .selectFrom('erasures')
    .innerJoin('campaigns', 'campaigns.id', 'erasures.campaign')
    .select(['erasures.campaign', 'erasures.user', 'erasures.actor'])
    .where('campaigns.archived_at', 'is not', null)
    .limit(limits.endsPerLook)
    .execute();
  for (const { campaign, user, actor } of due) {
    await ledger.transaction(async (tx) => {
      await replaceUser(tx, campaign, user, actor);
      await tx.deleteFrom('erasures').where('campaign', '=', campaign).where('user', '=', user).execute();
    });
  }
  return due.length;
}

/** Of a cancellation the tag goes too: it is a hash that anyone who knows the id can make. Its ticket is found by its name. */
async function replaceUser(tx: Kysely<Schema>, campaign: string, user: string, actor: string): Promise<void> {
  const pseudonym = `${ERASED_PREFIX}${randomBytes(12).toString('hex')}`;
  const counts: Record<string, number> = {};
  const { numUpdatedRows: issuances } = await tx
    .updateTable('issuances')
    .set({ user: pseudonym })
    .where('campaign', '=', campaign)
    .where('user', '=', user)
    .executeTakeFirst();
  const { numUpdatedRows: cancellations } = await tx
    .updateTable('cancellations')
    .set({ user: pseudonym, tag: null })
    .where('campaign', '=', campaign)
    .where('user', '=', user)
    .executeTakeFirst();
  // What a stranger wrote into a stream may name the user as well.
  const { numAffectedRows: letters = 0n } = await sql`update dead_letters
    set user = case when user = ${user} then ${pseudonym} else user end, raw = null, detail = ''
    where campaign = ${campaign} and (user = ${user} or locate(${user}, raw) > 0 or locate(${user}, detail) > 0)`.execute(
    tx,
  );
  Object.assign(counts, {
    issuances: Number(issuances),
    cancellations: Number(cancellations),
    letters: Number(letters),
  });
  counts.audit = await replaceInAudit(tx, campaign, user, pseudonym);
  await auditEnd(tx, { actor, action: 'erase-user', campaign, told: counts });
}

/** The lines about letters say whose they were; those about campaigns name no buyer. */
async function replaceInAudit(tx: Kysely<Schema>, campaign: string, user: string, pseudonym: string): Promise<number> {
  let count = 0;
  for (let after = 0; ; ) {
    const lines = await tx
      .selectFrom('audit_log')
      .select(['id', 'before', 'after'])
      .where('campaign', '=', campaign)
      .where('action', 'in', ['redrive', 'discard'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(limits.rowsPerDelete)
      .execute();
    for (const { id, before, after: later } of lines) {
      const replaced = { before: withoutUser(before, user, pseudonym), after: withoutUser(later, user, pseudonym) };
      if (replaced.before === before && replaced.after === later) continue;
      await tx.updateTable('audit_log').set(replaced).where('id', '=', id).execute();
      count += 1;
    }
    if (lines.length < limits.rowsPerDelete) return count;
    after = lines.at(-1)!.id;
  }
}

function withoutUser(text: string | null, user: string, pseudonym: string): string | null {
  if (text === null) return text;
  const told = JSON.parse(text) as { user?: string };
  return told.user === user ? JSON.stringify({ ...told, user: pseudonym }) : text;
}
