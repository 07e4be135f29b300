// Erasing a buyer: their id is replaced by a pseudonym of each campaign's own, made at random, so that nothing in the
// ledger leads back to it. A campaign that is not archived needs the id, because it keeps one ticket a buyer: there the wish
// is written down, and done once it is archived.
import { randomBytes } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { ERASED_PREFIX } from '../domain/erased.ts';
import { userTag } from '../domain/ids.ts';
import { limits } from '../process/limits.ts';
import { auditEnd } from './audit.ts';
import { toErase } from './due-ends.ts';
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
  const { db } = ledger;
  const found = await Promise.all([
    db.selectFrom('issuances').select('campaign').where('campaign', 'in', ids).where('user', '=', user).execute(),
    // Every state of a letter is asked for, because its key has the state before the user.
    db
      .selectFrom('dead_letters')
      .select('campaign')
      .distinct()
      .where('campaign', 'in', ids)
      .where('state', 'in', ['kept', 'redriving', 'redriven', 'discarded'])
      .where('user', '=', user)
      .execute(),
    // By the tag: a bearer who gave a ticket back did not say whose it was.
    db
      .selectFrom('cancellations')
      .select('campaign')
      .distinct()
      .where((eb) =>
        eb(
          eb.refTuple('campaign', 'tag'),
          'in',
          ids.map((id) => eb.tuple(id, userTag(id, user))),
        ),
      )
      .execute(),
  ]);
  for (const { campaign } of found.flat()) having.add(campaign);
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
  const due = await toErase(ledger.db)
    .select(['erasures.campaign', 'erasures.user', 'erasures.actor'])
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
  const { numUpdatedRows: issuances } = await tx
    .updateTable('issuances')
    .set({ user: pseudonym })
    .where('campaign', '=', campaign)
    .where('user', '=', user)
    .executeTakeFirst();
  const { numUpdatedRows: cancellations } = await tx
    .updateTable('cancellations')
    .set({ user: sql<string | null>`case when user is null then null else ${pseudonym} end`, tag: null })
    .where('campaign', '=', campaign)
    .where((eb) => eb.or([eb('user', '=', user), eb('tag', '=', userTag(campaign, user))]))
    .executeTakeFirst();
  const letters = await replaceInLetters(tx, campaign, user, pseudonym);
  const audit = await replaceInAudit(tx, campaign, user, pseudonym);
  const told = { issuances: Number(issuances), cancellations: Number(cancellations), letters, audit };
  await auditEnd(tx, { actor, action: 'erase-user', campaign, told });
}

/** What a stranger wrote into a stream, and what a database said of it, may name the user as well: such texts go. */
async function replaceInLetters(
  tx: Kysely<Schema>,
  campaign: string,
  user: string,
  pseudonym: string,
): Promise<number> {
  const letters = await tx
    .selectFrom('dead_letters')
    .select(['id', 'user', 'raw', 'detail'])
    .where('campaign', '=', campaign)
    .where(sql<boolean>`(user = ${user} or locate(${user}, raw) > 0 or locate(${user}, detail) > 0)`)
    .execute();
  const named = letters.filter(
    (letter) => letter.user === user || names(letter.raw, user) || names(letter.detail, user),
  );
  for (const letter of named) {
    const whose = letter.user === user ? pseudonym : letter.user;
    await tx
      .updateTable('dead_letters')
      .set({ user: whose, raw: null, detail: '' })
      .where('id', '=', letter.id)
      .execute();
  }
  return named.length;
}

/** Whether a text has the id by itself: `ann` is not named by `joanna` or `ann-2`. */
const names = (text: string | null, user: string): boolean =>
  text !== null && new RegExp(`(?<![\\p{L}\\p{N}_-])${RegExp.escape(user)}(?![\\p{L}\\p{N}_-])`, 'u').test(text);

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
