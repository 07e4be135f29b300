// Tickets that were given up, kept until a person redrives or discards them.
import type { Selectable } from 'kysely';
import type { DeadLetter, DeadLetterId, StoredDeadLetter } from '../domain/dead-letter.ts';
import { isUserId } from '../domain/ids.ts';
import { UINT32_MAX } from '../domain/uint32.ts';
import { kindOf } from './errors.ts';
import type { Ledger } from './pool.ts';
import { retrying } from './retry.ts';
import type { DeadLettersTable } from './schema.ts';

/** Characters of `detail` and `raw`: at 4 bytes each they fit the 64 kB of their columns. */
const TEXT_CHARS = 16_000;
const REASON_CHARS = 64;

/**
 * Keeps a dead letter; nothing new when it was kept before. One that was redriven is kept again, its attempts added up.
 * False when it has moved on: what failed was an attempt of before its last redrive, or it was discarded.
 * What it holds never stops it from being kept: a user, unit or time that is none becomes null (`raw` has it) and long
 * texts are cut. Throws a retryable `ledger-unavailable` Fault when it is not known to be kept: then the ticket may not
 * be acked.
 */
export async function keepDeadLetter(ledger: Ledger, letter: DeadLetter): Promise<boolean> {
  const { campaign, epoch, seq, unit, user, admittedAt, traceId, raw } = letter;
  const row = {
    campaign,
    epoch,
    seq,
    unit: isUint32(unit) ? unit : null,
    user: user != null && isUserId(user) ? user : null,
    admitted_at: isTime(admittedAt) ? new Date(admittedAt) : null,
    reason: letter.reason.replace(/[^\x20-\x7e]/g, '?').slice(0, REASON_CHARS),
    detail: letter.detail?.slice(0, TEXT_CHARS) ?? '',
    attempts: isUint32(letter.attempts) ? letter.attempts : 0,
    trace_id: traceId != null && /^[0-9a-f]{32}$/.test(traceId) ? traceId : null,
    raw: raw?.slice(0, TEXT_CHARS) ?? null,
    redriving_at: null,
  };
  try {
    await retrying(() => ledger.db.insertInto('dead_letters').values(row).execute());
    return true;
  } catch (error) {
    if (kindOf(error) !== 'duplicate') throw error;
    return keepAgain(ledger, row, letter.redriveCount ?? 0);
  }
}

type KeptAgain = DeadLetterId & { reason: string; detail: string; attempts: number };

/** The count of redrives tells a late word of an earlier life from the failure of this one. */
function keepAgain(ledger: Ledger, letter: KeptAgain, redriveCount: number): Promise<boolean> {
  const { campaign, epoch, seq, reason, detail, attempts } = letter;
  return ledger.transaction(async (tx) => {
    await tx
      .updateTable('dead_letters')
      .set((eb) => ({ state: 'kept', reason, detail, attempts: eb('attempts', '+', attempts), redriving_at: null }))
      .where('campaign', '=', campaign)
      .where('epoch', '=', epoch)
      .where('seq', '=', seq)
      .where('state', 'in', ['redriving', 'redriven'])
      .where('redrive_count', '=', redriveCount)
      .execute();
    const now = await tx
      .selectFrom('dead_letters')
      .select(['state', 'redrive_count'])
      .where('campaign', '=', campaign)
      .where('epoch', '=', epoch)
      .where('seq', '=', seq)
      .executeTakeFirst();
    return now?.state === 'kept' && now.redrive_count === redriveCount;
  });
}

/** The dead letter of a ticket; undefined when there is none. */
export async function getDeadLetter(ledger: Ledger, id: DeadLetterId): Promise<StoredDeadLetter | undefined> {
  const row = await ledger.db
    .selectFrom('dead_letters')
    .selectAll()
    .where('campaign', '=', id.campaign)
    .where('epoch', '=', id.epoch)
    .where('seq', '=', id.seq)
    .executeTakeFirst();
  return row === undefined ? undefined : letterOf(row);
}

/** How many dead letters wait for a person: of one campaign, or of all. */
export async function countDeadLetters(ledger: Ledger, campaign?: string): Promise<number> {
  const counted = await ledger.db
    .selectFrom('dead_letters')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('state', '=', 'kept')
    .$if(campaign !== undefined, (query) => query.where('campaign', '=', campaign!))
    .executeTakeFirstOrThrow();
  return Number(counted.count);
}

const isUint32 = (value: number | null | undefined): value is number =>
  value != null && Number.isInteger(value) && value >= 0 && value <= UINT32_MAX;

const isTime = (ms: number | null | undefined): ms is number => ms != null && isUint32(Math.floor(ms / 1000));

/** The letter that a row holds. */
export function letterOf(row: Selectable<DeadLettersTable>): StoredDeadLetter {
  const { admitted_at, trace_id, created_at, redrive_count, redriving_at: _, ...same } = row;
  return {
    ...same,
    admittedAt: admitted_at?.getTime() ?? null,
    traceId: trace_id,
    createdAt: created_at.getTime(),
    redriveCount: redrive_count,
  };
}
