// The states of a dead letter that a redrive goes through. Every step is a conditional update: of two that try the same,
// one does it and the other one sees that it is done.
import { type Kysely, sql } from 'kysely';
import type { AutoRedrivePolicy } from '../domain/auto-redrive.ts';
import type { LetterState, StoredDeadLetter } from '../domain/dead-letter.ts';
import { Fault } from '../domain/fault.ts';
import { auditLetter } from './audit.ts';
import { letterOf } from './dead-letters.ts';
import { holdIssuing, holdIssuingOf } from './exclusion.ts';
import type { Ledger } from './pool.ts';
import { markLive } from './projections.ts';
import type { Schema } from './schema.ts';

const now = sql<Date>`current_timestamp(3)`;

/** A redrive of a letter: which one, and the how-manieth. */
export type Redrive = Pick<StoredDeadLetter, 'id' | 'redriveCount' | 'campaign' | 'user'>;

/**
 * Claims a kept letter for a redrive, audited; the letter as it is now, or undefined when it is not kept any more. Throws
 * `conflict` for a letter of an archived campaign.
 */
export async function claimRedrive(ledger: Ledger, id: number, actor: string): Promise<StoredDeadLetter | undefined> {
  const claimed = await ledger.transaction(async (tx) => {
    const held = await holdIssuingOf(tx, id);
    const before = await lockLetter(tx, id);
    if (before?.state !== 'kept') return undefined;
    if (held?.isArchived)
      throw new Fault('conflict', `campaign ${before.campaign} is archived: it issues no more tickets`);
    const after = { state: 'redriving', redriveCount: before.redriveCount + 1 } as const;
    await tx
      .updateTable('dead_letters')
      .set({ state: after.state, redrive_count: after.redriveCount, redriving_at: now })
      .where('id', '=', id)
      .execute();
    await auditLetter(tx, { actor, action: 'redrive', before, after });
    return { ...before, ...after };
  });
  // A campaign that was done has something to do again.
  if (claimed !== undefined) await markLive(ledger, claimed.campaign);
  return claimed;
}

/** The letter, locked until the transaction ends; undefined when there is none. */
export async function lockLetter(tx: Kysely<Schema>, id: number): Promise<StoredDeadLetter | undefined> {
  const row = await tx.selectFrom('dead_letters').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  return row && letterOf(row);
}

/** Ends the claim of a redrive; nothing when the letter has moved on. One whose user has a row by now is not kept. */
export function endRedrive(ledger: Ledger, redrive: Redrive, state: 'redriven' | 'kept' | 'discarded'): Promise<void> {
  const { campaign, user } = redrive;
  if (state !== 'kept' || user === null) return end(ledger.db, redrive, state);
  return ledger.transaction(async (tx) => {
    await holdIssuing(tx, campaign);
    const issued = await tx
      .selectFrom('issuances')
      .select('unit')
      .where('campaign', '=', campaign)
      .where('user', '=', user)
      .executeTakeFirst();
    await end(tx, redrive, issued === undefined ? 'kept' : 'redriven');
  });
}

async function end(db: Kysely<Schema>, { id, redriveCount }: Redrive, state: LetterState): Promise<void> {
  await db
    .updateTable('dead_letters')
    .set({ state, redriving_at: null, ...(state === 'kept' && { kept_at: now }) })
    .where('id', '=', id)
    .where('state', '=', 'redriving')
    .where('redrive_count', '=', redriveCount)
    .execute();
}

/**
 * Takes over up to `limit` redrives that were claimed more than `idleMs` ago and never ended. Each is given to one asker,
 * and not again for `idleMs`.
 */
export async function takeStuckRedrives(ledger: Ledger, idleMs: number, limit = 100): Promise<StoredDeadLetter[]> {
  const isOld = sql<boolean>`redriving_at < current_timestamp(3) - interval ${idleMs * 1_000} microsecond`;
  const found = await ledger.db
    .selectFrom('dead_letters')
    .selectAll()
    .where('state', '=', 'redriving')
    .where(isOld)
    .orderBy('redriving_at')
    .limit(limit)
    .execute();
  const taken: StoredDeadLetter[] = [];
  for (const row of found) {
    const { numUpdatedRows } = await ledger.db
      .updateTable('dead_letters')
      .set({ redriving_at: now })
      .where('id', '=', row.id)
      .where('state', '=', 'redriving')
      .where('redrive_count', '=', row.redrive_count)
      .where(isOld)
      .executeTakeFirst();
    if (numUpdatedRows === 1n) taken.push(letterOf(row));
  }
  return taken;
}

/**
 * The ids of up to `limit` kept letters that this policy is due for, the longest kept first: those that can be redriven, of
 * campaigns that are not archived.
 */
export function findDueLetters(
  ledger: Ledger,
  { reason, afterMs, redrivesMax }: AutoRedrivePolicy,
  limit: number,
): Promise<{ id: number }[]> {
  return ledger.db
    .selectFrom('dead_letters')
    .innerJoin('campaigns', 'campaigns.id', 'dead_letters.campaign')
    .select('dead_letters.id')
    .where('dead_letters.state', '=', 'kept')
    .where('dead_letters.reason', '=', reason)
    .where('dead_letters.kept_at', '<=', sql<Date>`current_timestamp(3) - interval ${afterMs * 1_000} microsecond`)
    .where('dead_letters.redrive_count', '<', redrivesMax)
    .where('dead_letters.user', 'is not', null)
    .where('dead_letters.unit', 'is not', null)
    .where('dead_letters.admitted_at', 'is not', null)
    .where('campaigns.archived_at', 'is', null)
    .orderBy('dead_letters.kept_at')
    .limit(limit)
    .execute();
}
