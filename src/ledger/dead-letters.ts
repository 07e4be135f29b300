// Tickets that were given up, kept until a person redrives or discards them.
import { type Insertable, type Kysely, type Selectable, sql } from 'kysely';
import type { DeadLetter, DeadLetterId, Keeping, StoredDeadLetter } from '../domain/dead-letter.ts';
import { Fault } from '../domain/fault.ts';
import { isUserId, userTag } from '../domain/ids.ts';
import { UINT32_MAX } from '../domain/uint32.ts';
import { kindOf } from './errors.ts';
import { holdIssuing } from './exclusion.ts';
import type { Ledger } from './pool.ts';
import type { DeadLettersTable, Schema } from './schema.ts';

/** Characters of `detail` and `raw`: at 4 bytes each they fit the 64 kB of their columns. */
const TEXT_CHARS = 16_000;
const REASON_CHARS = 64;

/**
 * Keeps a dead letter unless its user has a row or a cancellation; nothing new when it was kept before. One that was
 * redriven is kept again, its attempts added up. What it holds never stops it from being kept: a user, unit or time that
 * is none becomes null (`raw` has it) and long texts are cut.
 *
 * With `epoch`, the gate's under which the ticket was given up, nothing is kept once another epoch has begun: a retryable
 * `stale-epoch` Fault. Throws a retryable `ledger-unavailable` Fault when it is not known to be kept: then the ticket may
 * not be acked.
 */
export async function keepDeadLetter(ledger: Ledger, letter: DeadLetter, epoch?: number): Promise<Keeping> {
  const { campaign, seq, unit, user, admittedAt, traceId, spanId, raw } = letter;
  const row: LetterRow = {
    campaign,
    epoch: letter.epoch,
    seq,
    unit: isUint32(unit) ? unit : null,
    user: user != null && isUserId(user) ? user : null,
    admitted_at: isTime(admittedAt) ? new Date(admittedAt) : null,
    reason: letter.reason.replace(/[^\x20-\x7e]/g, '?').slice(0, REASON_CHARS),
    detail: letter.detail?.slice(0, TEXT_CHARS) ?? '',
    attempts: isUint32(letter.attempts) ? letter.attempts : 0,
    trace_id: traceId != null && /^[0-9a-f]{32}$/.test(traceId) ? traceId : null,
    span_id: spanId != null && /^[0-9a-f]{16}$/.test(spanId) ? spanId : null,
    raw: raw?.slice(0, TEXT_CHARS) ?? null,
    redriving_at: null,
  };
  const keep = () => keepOnce(ledger, row, letter.redriveCount ?? 0, epoch);
  try {
    return await keep();
  } catch (error) {
    // Of two who keep a letter whose user nobody knows, neither waits for the other.
    if (kindOf(error) !== 'duplicate') throw error;
    return keep();
  }
}

const now = sql<Date>`current_timestamp(3)`;

type LetterRow = Omit<Insertable<DeadLettersTable>, 'kept_at'> & { user: string | null; unit: number | null };

/** The count of redrives tells a late word of an earlier life from the failure of this one. */
function keepOnce(ledger: Ledger, row: LetterRow, redriveCount: number, epoch: number | undefined): Promise<Keeping> {
  return ledger.transaction(async (tx) => {
    if (row.user !== null) {
      const current = await holdIssuing(tx, row.campaign);
      if (epoch !== undefined && (current?.epoch !== epoch || current.isArchived)) {
        throw new Fault('stale-epoch', 'another epoch of the campaign has begun', { retryable: true });
      }
      const instead = await endOf(tx, { ...row, user: row.user });
      if (instead !== undefined) return instead;
    }
    const before = await tx
      .selectFrom('dead_letters')
      .select(['id', 'state', 'reason', 'redrive_count'])
      .where('campaign', '=', row.campaign)
      .where('epoch', '=', row.epoch)
      .where('seq', '=', row.seq)
      .forUpdate()
      .executeTakeFirst();
    if (before?.state === 'kept') return { kind: 'kept', reason: before.reason };
    if (before === undefined) {
      await tx
        .insertInto('dead_letters')
        .values({ ...row, kept_at: now })
        .execute();
      return { kind: 'kept', reason: row.reason };
    }
    if (before.state === 'discarded' || before.redrive_count !== redriveCount) return { kind: 'moved-on' };
    const { reason, detail, attempts, trace_id, span_id } = row;
    const trace = trace_id === null ? {} : { trace_id, span_id };
    await tx
      .updateTable('dead_letters')
      .set((eb) => ({
        state: 'kept',
        reason,
        detail,
        attempts: eb('attempts', '+', attempts),
        redriving_at: null,
        kept_at: now,
        ...trace,
      }))
      .where('id', '=', before.id)
      .execute();
    return { kind: 'kept', reason };
  });
}

/** How the ledger has ended the ticket of this user already; undefined when it has not. */
async function endOf(
  tx: Kysely<Schema>,
  { campaign, user, unit }: { campaign: string; user: string; unit: number | null },
): Promise<Keeping | undefined> {
  const issuances = tx.selectFrom('issuances').select('unit').where('campaign', '=', campaign);
  const issued = await issuances.where('user', '=', user).executeTakeFirst();
  if (issued !== undefined) {
    const isOther = unit !== null && unit !== 0 && unit !== issued.unit;
    const held = isOther ? await issuances.where('unit', '=', unit).executeTakeFirst() : issued;
    return { kind: 'issued', unit: issued.unit, ownUnitIsFree: held === undefined };
  }
  const cancelled = await tx
    .selectFrom('cancellations')
    .select('seq')
    .where('campaign', '=', campaign)
    .where('tag', '=', userTag(campaign, user))
    .executeTakeFirst();
  return cancelled && { kind: 'cancelled' };
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
  const { admitted_at, trace_id, span_id, created_at, redrive_count, redriving_at: _, kept_at, ...same } = row;
  return {
    ...same,
    admittedAt: admitted_at?.getTime() ?? null,
    traceId: trace_id,
    spanId: span_id,
    createdAt: created_at.getTime(),
    keptAt: kept_at?.getTime() ?? null,
    redriveCount: redrive_count,
  };
}
