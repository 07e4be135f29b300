// Tickets that end without an issuance. The ledger decides it, in one transaction; the gate is told afterwards, and
// `returned_at` says that it was. A crash between the two leaves a row that anybody may finish.
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Cancellation, GivenBack } from '../domain/cancellation.ts';
import type { DeadLetterId, StoredDeadLetter } from '../domain/dead-letter.ts';
import { isUserId, userTag } from '../domain/ids.ts';
import { auditLetter } from './audit.ts';
import { kindOf } from './errors.ts';
import type { Ledger } from './pool.ts';
import { lockLetter } from './redrives.ts';
import type { CancellationsTable, Schema } from './schema.ts';

const now = sql<Date>`current_timestamp(3)`;
/** Who a user's own wish is written down for. */
const USER = 'user';

/**
 * Cancels a ticket that its user gives back: its issuance is deleted, its dead letter discarded. The same again gives the
 * same cancellation. Undefined when the ledger holds neither of them nor a cancellation, unless `isRetried` says that
 * nothing is what it should hold. 'busy' when an operator has just claimed the letter for a redrive.
 */
export async function cancelTicket(
  ledger: Ledger,
  given: GivenBack,
  isRetried = false,
): Promise<Cancellation | 'busy' | undefined> {
  try {
    return await ledger.transaction(async (tx) => {
      // Locked before it is looked whether somebody was faster: who waits here finds what the faster one wrote.
      const letter = await lockLetterOf(tx, given);
      const issuance = await lockIssuanceOf(tx, given);
      const before = await findCancellation(tx, given);
      // A worker that stood still may have issued it afterwards: the unit went back before, so only the row goes.
      if (before !== undefined && issuance !== undefined) await deleteIssuance(tx, given.campaign, issuance.unit);
      if (before !== undefined) return before;
      if (letter?.state === 'redriving' && !isRetried) return 'busy';
      if (letter === undefined && issuance === undefined && !isRetried) return undefined;
      const named = madeOf(given, issuance ?? letter);
      if (issuance !== undefined) await deleteIssuance(tx, given.campaign, issuance.unit);
      const made = { ...named, unit: await returnable(tx, named) };
      if (letter !== undefined) await discardRow(tx, letter.id);
      await tx
        .insertInto('cancellations')
        .values({ ...made, returned_at: null })
        .execute();
      return made;
    });
  } catch (error) {
    // Two that held no row to wait at met at the key.
    if (kindOf(error) !== 'duplicate') throw error;
    return findCancellation(ledger.db, given);
  }
}

/**
 * Writes down a cancellation that the gate decided by itself: nobody had received the entry. Harmless twice; whose ticket
 * it was is added by whoever knows, because only the first to ask is told by the gate.
 */
export async function recordCancelled(ledger: Ledger, given: GivenBack): Promise<void> {
  const before = await findCancellation(ledger.db, given);
  if (before !== undefined) return addUser(ledger, before, given);
  try {
    await ledger.db
      .insertInto('cancellations')
      .values({ ...madeOf(given, undefined), returned_at: now })
      .execute();
  } catch (error) {
    if (kindOf(error) !== 'duplicate') throw error;
    await addUser(ledger, madeOf(given, undefined), given);
  }
}

async function addUser(ledger: Ledger, { campaign, epoch, seq }: DeadLetterId, given: GivenBack): Promise<void> {
  const { user } = madeOf(given, undefined);
  if (user === null) return;
  await ledger.db
    .updateTable('cancellations')
    .set({ user })
    .where('campaign', '=', campaign)
    .where('epoch', '=', epoch)
    .where('seq', '=', seq)
    .where('user', 'is', null)
    .execute();
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
    const letter = await lockLetter(tx, id);
    if (letter?.state !== 'kept') return { kind: 'gone' };
    const { campaign, epoch, seq, user, unit, redriveCount } = letter;
    if (user !== null && (await isIssuedIn(tx, campaign, user))) {
      await tx.updateTable('dead_letters').set({ state: 'redriven' }).where('id', '=', id).execute();
      await auditLetter(tx, { actor, action: 'discard', before: letter, after: { state: 'redriven', redriveCount } });
      return { kind: 'issued' };
    }
    const returned = await returnable(tx, { campaign, unit });
    const cancellation: Cancellation = { campaign, epoch, seq, user, unit: returned, kind: 'discarded', actor };
    await discardRow(tx, id);
    await tx
      .insertInto('cancellations')
      .values({ ...cancellation, returned_at: null })
      .execute();
    await auditLetter(tx, { actor, action: 'discard', before: letter, after: { state: 'discarded', redriveCount } });
    return { kind: 'discarded', cancellation };
  });
}

export const isIssued = (ledger: Ledger, campaign: string, user: string): Promise<boolean> =>
  isIssuedIn(ledger.db, campaign, user);

/** Those of `users` whose ticket of this campaign is cancelled. */
export async function cancelledUsers(
  ledger: Ledger,
  campaign: string,
  users: readonly string[],
): Promise<ReadonlySet<string>> {
  if (users.length === 0) return new Set();
  const rows = await ledger.db
    .selectFrom('cancellations')
    .select('user')
    .where('campaign', '=', campaign)
    .where('user', 'in', users)
    .execute();
  return new Set(rows.flatMap(({ user }) => user ?? []));
}

/** The cancellation of a user's ticket; undefined when there is none. */
export const cancellationOf = (ledger: Ledger, campaign: string, user: string): Promise<Cancellation | undefined> =>
  findCancellation(ledger.db, { campaign, tag: userTag(campaign, user), user, names: [] });

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
export async function markReturned(ledger: Ledger, { campaign, epoch, seq }: DeadLetterId): Promise<void> {
  await ledger.db
    .updateTable('cancellations')
    .set({ returned_at: now })
    .where('campaign', '=', campaign)
    .where('epoch', '=', epoch)
    .where('seq', '=', seq)
    .where('returned_at', 'is', null)
    .execute();
}

type Held = Pick<StoredDeadLetter, 'epoch' | 'seq' | 'unit' | 'user'>;

/** Under the name and with the unit of the row it puts an end to. What an intruder wrote as a user is none. */
function madeOf({ campaign, tag, user, unit, names }: GivenBack, ended: Held | undefined): Cancellation {
  const { epoch, seq } = ended ?? names[0]!;
  const holder = ended?.user ?? user;
  const isTheirs = holder !== undefined && isUserId(holder) && userTag(campaign, holder) === tag;
  const kept = { user: isTheirs ? holder : null, unit: ended?.unit ?? unit };
  return { campaign, epoch, seq, ...kept, kind: 'cancelled', actor: USER };
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
    .select(['epoch', 'seq', 'unit', 'user'])
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
  { campaign, tag, user, names }: Pick<GivenBack, 'campaign' | 'tag' | 'user' | 'names'>,
): Promise<Cancellation | undefined> {
  const all = db.selectFrom('cancellations').selectAll().where('campaign', '=', campaign);
  if (user !== undefined) {
    const row = await all.where('user', '=', user).executeTakeFirst();
    if (row !== undefined) return cancellationIn(row);
  }
  for (const { epoch, seq } of names) {
    const row = await all.where('epoch', '=', epoch).where('seq', '=', seq).executeTakeFirst();
    if (row !== undefined && mayBeTheirs(row, campaign, tag)) return cancellationIn(row);
  }
  return undefined;
}

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

async function deleteIssuance(tx: Kysely<Schema>, campaign: string, unit: number): Promise<void> {
  await tx.deleteFrom('issuances').where('campaign', '=', campaign).where('unit', '=', unit).execute();
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
  const { campaign, epoch, seq, user, unit, kind, actor } = row;
  return { campaign, epoch, seq, user, unit, kind, actor };
}
