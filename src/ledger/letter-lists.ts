// Reading dead letters: pages, sums by reason, and those that an operator's choice means.
import { type ExpressionBuilder, type Kysely, sql } from 'kysely';
import type { LetterState, StoredDeadLetter } from '../domain/dead-letter.ts';
import { letterOf } from './dead-letters.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

export interface LetterPage {
  campaign?: string | undefined;
  state?: LetterState | undefined;
  /** The id that the page begins behind. */
  after: number;
  limit: number;
}

/** Kept letters of a campaign: all of them, or those of these ids and names, or of this reason. */
export interface LetterChoice {
  campaign: string;
  ids?: readonly number[] | undefined;
  names?: readonly { epoch: number; seq: number }[] | undefined;
  reason?: string | undefined;
}

/** A page, in the order in which they were first kept. */
export async function listLetters(ledger: Ledger, page: LetterPage): Promise<StoredDeadLetter[]> {
  const rows = await inPage(ledger.db, page)
    .selectAll()
    .where('id', '>', page.after)
    .orderBy('id')
    .limit(page.limit)
    .execute();
  return rows.map(letterOf);
}

export interface ReasonCount {
  reason: string;
  state: LetterState;
  count: number;
}

/** How many there are by reason and state, the most first; reads an index entry for each. */
export async function countByReason(
  ledger: Ledger,
  page: Pick<LetterPage, 'campaign' | 'state'>,
): Promise<ReasonCount[]> {
  const counted = await inPage(ledger.db, page)
    .select(['reason', 'state', (eb) => eb.fn.countAll<number>().as('count')])
    .groupBy(['reason', 'state'])
    .orderBy(sql`count(*)`, 'desc')
    .orderBy('reason')
    .limit(100)
    .execute();
  return counted.map(({ count, ...same }) => ({ ...same, count: Number(count) }));
}

export async function findLetter(ledger: Ledger, id: number): Promise<StoredDeadLetter | undefined> {
  const row = await ledger.db.selectFrom('dead_letters').selectAll().where('id', '=', id).executeTakeFirst();
  return row && letterOf(row);
}

/** Up to `limit` of the letters meant, oldest first, behind the id `after`. */
export async function chooseLetters(
  ledger: Ledger,
  choice: LetterChoice,
  { after, limit }: { after: number; limit: number },
): Promise<StoredDeadLetter[]> {
  const rows = await chosen(ledger.db, choice).selectAll().where('id', '>', after).orderBy('id').limit(limit).execute();
  return rows.map(letterOf);
}

/** How many letters are meant. */
export async function countChosen(ledger: Ledger, choice: LetterChoice): Promise<number> {
  const counted = await chosen(ledger.db, choice)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(counted.count);
}

function inPage(db: Kysely<Schema>, { campaign, state }: Pick<LetterPage, 'campaign' | 'state'>) {
  let query = db.selectFrom('dead_letters');
  if (campaign !== undefined) query = query.where('campaign', '=', campaign);
  if (state !== undefined) query = query.where('state', '=', state);
  return query;
}

function chosen(db: Kysely<Schema>, { campaign, ids, names, reason }: LetterChoice) {
  let query = db.selectFrom('dead_letters').where('campaign', '=', campaign).where('state', '=', 'kept');
  if (reason !== undefined) query = query.where('reason', '=', reason);
  if (ids === undefined && names === undefined) return query;
  const byName = (eb: ExpressionBuilder<Schema, 'dead_letters'>, epoch: number, seq: number) =>
    eb.and([eb('epoch', '=', epoch), eb('seq', '=', seq)]);
  return query.where((eb) =>
    eb.or([
      // An empty list would be no SQL; no letter has the id 0.
      eb('id', 'in', [0, ...(ids ?? [])]),
      ...(names ?? []).map(({ epoch, seq }) => byName(eb, epoch, seq)),
    ]),
  );
}
