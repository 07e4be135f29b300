// Tickets that end without an issuance. The ledger decides it, in one transaction; the gate is told afterwards, and
// `returned_at` says that it was. A crash between the two leaves a row that anybody may finish.
// Every transaction here holds the issuing of the campaign first, so that a ticket has a row or a cancellation.
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Cancellation, GivenBack } from '../domain/cancellation.ts';
import type { DeadLetterId, StoredDeadLetter } from '../domain/dead-letter.ts';
import { isUserId, userTag } from '../domain/ids.ts';
import { auditLetter } from './audit.ts';
import { kindOf } from './errors.ts';
import { holdForChange, holdIssuingOf } from './exclusion.ts';
import { tellOutbox } from './outbox.ts';
import type { Ledger } from './pool.ts';
import { lockLetter } from './redrives.ts';
import type { CancellationsTable, Schema } from './schema.ts';

const now = sql<Date>`current_timestamp(3)`;
/** Who a user's own wish is written down for. */
const USER = 'user';

/**
 * What the ledger should hold of a ticket that is given back: a row or a letter; nothing, because it is being `retried`;
 * or nothing yet that says which unit it has (`wished`), so that whoever retries it returns the unit.
 */
export type GivenBackAs = 'held' | 'retried' | 'wished';

/**
 * Cancels a ticket that its user gives back: its issuance is deleted, its dead letter discarded, and from then on it
 * cannot be issued. The same again gives the same cancellation. Undefined when the ledger holds nothing of what it should,
 * nor a cancellation. 'busy' when an operator has just claimed the letter for a redrive.
 */
export async function cancelTicket(
  ledger: Ledger,
  given: GivenBack,
  as: GivenBackAs = 'held',
): Promise<Cancellation | 'busy' | undefined> {
  const { tellsOutbox } = ledger;
  try {
    return await ledger.transaction(async (tx) => {
      await holdForChange(tx, given.campaign);
      const letter = await lockLetterOf(tx, given);
      const issuance = await lockIssuanceOf(tx, given);
      const before = await findCancellation(tx, given);
      if (before !== undefined) {
        await addUser(tx, before, given);
        if (letter !== undefined) await discardRow(tx, letter.id);
        return endBeside({ tx, tellsOutbox }, before, issuance, as === 'retried' ? given.unit : 0);
      }
      if (letter?.state === 'redriving' && as === 'held') return 'busy';
      const ended = issuance ?? letter;
      if (ended === undefined && as === 'held') return undefined;
      const named = madeOf(given, ended);
      if (issuance !== undefined) await deleteIssuance({ tx, tellsOutbox }, issuance);
      if (letter !== undefined) await discardRow(tx, letter.id);
      const isOpen = ended !== undefined || as !== 'wished';
      const made = { ...named, unit: isOpen ? await returnable(tx, named) : 0 };
      await insertCancellation(tx, made, isOpen ? null : now);
      return made;
    });
  } catch (error) {
    // Another ticket has this name: a gate that lost its tail gave a seq twice.
    if (kindOf(error) !== 'duplicate') throw error;
    return findCancellation(ledger.db, given);
  }
}

/**
 * Makes true a cancellation that stands: a row beside it, which a version before this one may have left, is deleted. The unit of what was retried, or of the row, goes back where none was to go back so far.
 */
async function endBeside(
  { tx, tellsOutbox }: Changing,
  before: Cancellation,
  issuance: IssuedRow | undefined,
  retriedUnit: number,
): Promise<Cancellation> {
  if (issuance !== undefined) await deleteIssuance({ tx, tellsOutbox }, issuance);
  if (before.unit !== 0) return before;
  const unit = await returnable(tx, { campaign: before.campaign, unit: issuance?.unit ?? retriedUnit });
  if (unit === 0) return before;
  await rowOf(tx, before).set({ unit, returned_at: null }).execute();
  return { ...before, unit };
}

/**
 * Writes down a cancellation that the gate decided by itself: nobody had received the entry, as far as it knew. What was
 * issued all the same is deleted, and a letter kept of it is discarded. Harmless twice; whose ticket it was is added by whoever knows, because only the first to
 * ask is told by the gate.
 */
export async function recordCancelled(ledger: Ledger, given: GivenBack): Promise<void> {
  const { tellsOutbox } = ledger;
  try {
    await ledger.transaction(async (tx) => {
      await holdForChange(tx, given.campaign);
      const letter = await lockLetterOf(tx, given);
      const issuance = await lockIssuanceOf(tx, given);
      if (letter !== undefined) await discardRow(tx, letter.id);
      if (issuance !== undefined) await deleteIssuance({ tx, tellsOutbox }, issuance);
      const before = await findCancellation(tx, given);
      if (before !== undefined) return addUser(tx, before, given);
      await insertCancellation(tx, madeOf(given, undefined), now);
    });
  } catch (error) {
    if (kindOf(error) !== 'duplicate') throw error;
  }
}

async function addUser(tx: Kysely<Schema>, before: Cancellation, given: GivenBack): Promise<void> {
  const { user } = madeOf(given, undefined);
  if (before.user === null && user !== null) await rowOf(tx, before).set({ user }).execute();
}

export type Discarded =
  | { kind: 'discarded'; cancellation: Cancellation }
  /** It was issued all the same, so nothing is taken away: the letter counts as redriven. */
  | { kind: 'issued' }
  /** It is not kept any more. */
  | { kind: 'gone' };

/** Discards a kept letter, audited. */
export function discardLetter(ledger: Ledger, id: number, actor: string): Promise<Discarded> {
  return ledger.transaction(async (tx) => {
    const held = await holdIssuingOf(tx, id);
    const letter = await lockLetter(tx, id);
    if (letter?.state !== 'kept') return { kind: 'gone' };
    const { campaign, epoch, seq, user, unit, redriveCount } = letter;
    if (user !== null && (await isIssuedIn(tx, campaign, user))) {
      await tx.updateTable('dead_letters').set({ state: 'redriven' }).where('id', '=', id).execute();
      await auditLetter(tx, { actor, action: 'discard', before: letter, after: { state: 'redriven', redriveCount } });
      return { kind: 'issued' };
    }
    const returned = await returnable(tx, { campaign, unit });
    const tag = user === null ? null : userTag(campaign, user);
    const cancellation: Cancellation = { campaign, epoch, seq, tag, user, unit: returned, kind: 'discarded', actor };
    await discardRow(tx, id);
    // The gate of an archived campaign is no more: there is nowhere for the unit to go back to.
    await insertCancellation(tx, cancellation, held?.isArchived ? now : null);
    await auditLetter(tx, { actor, action: 'discard', before: letter, after: { state: 'discarded', redriveCount } });
    return { kind: 'discarded', cancellation };
  });
}

export const isIssued = (ledger: Ledger, campaign: string, user: string): Promise<boolean> =>
  isIssuedIn(ledger.db, campaign, user);

/** The cancellation of a user's ticket; undefined when there is none. */
export const cancellationOf = (ledger: Ledger, campaign: string, user: string): Promise<Cancellation | undefined> =>
  findCancellation(ledger.db, { campaign, tag: userTag(campaign, user), names: [] });

/** Up to `limit` cancellations older than `idleMs` whose unit has yet to go back. */
export async function listUnreturned(ledger: Ledger, idleMs: number, limit = 100): Promise<Cancellation[]> {
  const rows = await ledger.db
    .selectFrom('cancellations')
    .selectAll()
    .where('returned_at', 'is', null)
    .where(sql<boolean>`created_at < current_timestamp(3) - interval ${idleMs * 1_000} microsecond`)
    .orderBy('created_at')
    .limit(limit)
    .execute();
  return rows.map(cancellationIn);
}

/** Notes that the unit went back. */
export async function markReturned(ledger: Ledger, cancellation: DeadLetterId): Promise<void> {
  await rowOf(ledger.db, cancellation).set({ returned_at: now }).where('returned_at', 'is', null).execute();
}

type Held = Pick<StoredDeadLetter, 'epoch' | 'seq' | 'unit' | 'user'>;
type IssuedRow = { campaign: string; unit: number; epoch: number; seq: number; code: string };

/** A transaction, and whether it writes into the outbox. */
interface Changing {
  tx: Kysely<Schema>;
  tellsOutbox: boolean;
}

/** Under the name and with the unit of the row it puts an end to. What an intruder wrote as a user is none. */
function madeOf({ campaign, tag, user, unit, names }: GivenBack, ended: Held | undefined): Cancellation {
  const { epoch, seq } = ended ?? names[0]!;
  const holder = ended?.user ?? user;
  const isTheirs = holder !== undefined && isUserId(holder) && userTag(campaign, holder) === tag;
  const kept = { user: isTheirs ? holder : null, unit: ended?.unit ?? unit };
  return { campaign, epoch, seq, tag, ...kept, kind: 'cancelled', actor: USER };
}

async function lockLetterOf(tx: Kysely<Schema>, { campaign, tag, names }: GivenBack) {
  for (const { epoch, seq } of names) {
    const row = await tx
      .selectFrom('dead_letters')
      .select(['id', 'epoch', 'seq', 'unit', 'user', 'state'])
      .where('campaign', '=', campaign)
      .where('epoch', '=', epoch)
      .where('seq', '=', seq)
      .forUpdate()
      .executeTakeFirst();
    if (row !== undefined && mayBeTheirs(row, campaign, tag)) return row;
  }
  return undefined;
}

/** A gate that lost its tail gave a seq twice: a name alone does not say whose it is. */
const mayBeTheirs = (row: { user: string | null }, campaign: string, tag: string): boolean =>
  row.user === null || userTag(campaign, row.user) === tag;

/** By its user where known, because it may have been issued under another unit; else by its unit, if it is theirs. */
async function lockIssuanceOf(tx: Kysely<Schema>, { campaign, tag, user, unit }: GivenBack) {
  const issuances = tx
    .selectFrom('issuances')
    .select(['campaign', 'epoch', 'seq', 'unit', 'user', 'code'])
    .where('campaign', '=', campaign)
    .forUpdate();
  const row = await (user === undefined
    ? issuances.where('unit', '=', unit)
    : issuances.where('user', '=', user)
  ).executeTakeFirst();
  return row !== undefined && userTag(campaign, row.user) === tag ? row : undefined;
}

async function findCancellation(
  db: Kysely<Schema>,
  { campaign, tag, names }: Pick<GivenBack, 'campaign' | 'tag' | 'names'>,
): Promise<Cancellation | undefined> {
  const all = db.selectFrom('cancellations').selectAll().where('campaign', '=', campaign);
  const theirs = await all.where('tag', '=', tag).executeTakeFirst();
  if (theirs !== undefined) return cancellationIn(theirs);
  // Of a letter that nobody could read.
  for (const { epoch, seq } of names) {
    const row = await all.where('epoch', '=', epoch).where('seq', '=', seq).where('tag', 'is', null).executeTakeFirst();
    if (row !== undefined) return cancellationIn(row);
  }
  return undefined;
}

async function insertCancellation(
  tx: Kysely<Schema>,
  made: Cancellation,
  returnedAt: typeof now | null,
): Promise<void> {
  await tx
    .insertInto('cancellations')
    .values({ ...made, returned_at: returnedAt })
    .execute();
}

const rowOf = (db: Kysely<Schema>, { campaign, epoch, seq }: DeadLetterId) =>
  db.updateTable('cancellations').where('campaign', '=', campaign).where('epoch', '=', epoch).where('seq', '=', seq);

/** A unit goes back only when no row has it: that of a ticket which lost its unit is somebody else's. 0 for none. */
async function returnable(
  tx: Kysely<Schema>,
  { campaign, unit }: Pick<Cancellation, 'campaign' | 'unit'>,
): Promise<number | null> {
  if (unit === null || unit === 0) return unit;
  const row = await tx
    .selectFrom('issuances')
    .select('unit')
    .where('campaign', '=', campaign)
    .where('unit', '=', unit)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined ? unit : 0;
}

/** Of a ticket that was never issued no service was told, and none is told that it is cancelled. */
async function deleteIssuance({ tx, tellsOutbox }: Changing, issuance: IssuedRow): Promise<void> {
  const { campaign, unit } = issuance;
  await tx.deleteFrom('issuances').where('campaign', '=', campaign).where('unit', '=', unit).execute();
  if (tellsOutbox) await tellOutbox(tx, campaign, 'cancelled', [issuance]);
}

async function discardRow(tx: Kysely<Schema>, id: number): Promise<void> {
  await tx.updateTable('dead_letters').set({ state: 'discarded', redriving_at: null }).where('id', '=', id).execute();
}

async function isIssuedIn(db: Kysely<Schema>, campaign: string, user: string): Promise<boolean> {
  const row = await db
    .selectFrom('issuances')
    .select('unit')
    .where('campaign', '=', campaign)
    .where('user', '=', user)
    .executeTakeFirst();
  return row !== undefined;
}

function cancellationIn(row: Selectable<CancellationsTable>): Cancellation {
  const { campaign, epoch, seq, tag, user, unit, kind, actor } = row;
  return { campaign, epoch, seq, tag, user, unit, kind, actor };
}
