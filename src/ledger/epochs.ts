// What the ledger knows of a campaign's tickets, told to who rebuilds its gate; and the book of its epochs.
import { sql } from 'kysely';
import { limits } from '../process/limits.ts';
import type { Ledger } from './pool.ts';

/** Why an epoch began: the gate was unverified, damaged or missing, or a person wanted it. */
export type EpochReason = 'unverified' | 'damaged' | 'missing' | 'repair';

/** A committed issuance, as far as a gate needs it. */
export interface Holder {
  user: string;
  unit: number;
  /** Of the ticket as it was signed. */
  epoch: number;
  seq: number;
  /** Epoch ms. */
  admittedAt: number;
}

/** A ticket that an operator keeps: its unit is reserved. */
export type KeptHolder = Holder & { reason: string };

/** A ticket that was cancelled, by the tag of its user: nobody may have said who that is. */
export type CancelledHolder = Omit<Holder, 'user'> & { tag: string; user: string | undefined };

/** How far the ledger has come with a campaign. */
export interface LedgerFacts {
  issuedCount: number;
  /** Highest unit and seq of all rows; 0 when there are none. */
  maxUnit: number;
  maxSeq: number;
  /** Users whose cancellation the gate was told of. */
  cancelledCount: number;
}

/** Rows up to a unit. */
export interface RowsUpTo {
  issuedCount: number;
  maxSeq: number;
  /** Ranges of units that no row has; `first` and `last` belong to the range. */
  gaps: { first: number; last: number }[];
}

export interface EpochOpening {
  afterSeq: number;
  knownCount: number;
  survivedCount: number;
  freeCount: number;
}

/** Of a small table the optimizer would read every row, and wait for each that another worker has locked. */
export const BY_KEY = sql`force index (primary)`;

/** An epoch that is to begin where its campaign is in another one. */
export interface EpochBeginning {
  campaign: string;
  from: number;
  to: number;
  reason: EpochReason;
  worker: string;
}

/** One of several was not as its caller thought: nothing was written, and each is to be asked by itself. */
class NotAlike extends Error {}

/**
 * Begins the epoch `to` of each campaign that is in `from`, once: undefined when somebody else did. The campaign is live
 * again: whoever gets a place back wants it issued. All of them or none: several of which one has moved on throw.
 */
export function beginEpochs(ledger: Ledger, beginnings: readonly EpochBeginning[]): Promise<(number | undefined)[]> {
  return ledger.transaction(async (tx) => {
    for (const alike of Map.groupBy(beginnings, ({ from, to }) => `${from} ${to}`).values()) {
      const { from, to } = alike[0]!;
      const { numAffectedRows } = await sql`update campaigns ${BY_KEY} set epoch = ${to}, drained_at = null
        where id in (${sql.join(idsOf(alike))}) and epoch = ${from} and archived_at is null`.execute(tx);
      if (numAffectedRows === BigInt(alike.length)) continue;
      if (beginnings.length > 1) throw new NotAlike('one of these campaigns is in another epoch');
      return [undefined];
    }
    await tx
      .insertInto('epochs')
      .values(
        beginnings.map(({ campaign, to, reason, worker }) => ({
          ...{ campaign, epoch: to, reason },
          worker: worker.slice(0, 128),
        })),
      )
      .execute();
    return beginnings.map(({ to }) => to);
  });
}

/** In one order, whoever writes: transactions that lock the same campaigns then wait for each other and do not deadlock. */
export const idsOf = (some: readonly { campaign: string }[]): string[] =>
  some.map(({ campaign }) => campaign).toSorted();

/** What each of `some` says, by the campaign in the column `key`. */
export function byCampaign<T extends { campaign: string }>(
  some: readonly T[],
  tell: (one: T) => number,
  key: 'campaign' | 'id' = 'campaign',
) {
  if (new Set(idsOf(some)).size < some.length) throw new NotAlike('two of these are about one campaign');
  const cases = some.map((one) => sql`when ${one.campaign} then ${tell(one)}`);
  return sql<number>`case ${sql.ref(key)} ${sql.join(cases, sql` `)} end`;
}

/** An epoch of a campaign. */
export interface NamedEpoch {
  campaign: string;
  epoch: number;
}

/** Ms since the gate of each epoch opened, by the ledger's clock; undefined when it has not, or nobody wrote it down. */
export async function openForMs(ledger: Ledger, epochs: readonly NamedEpoch[]): Promise<(number | undefined)[]> {
  const rows = await ledger.db
    .selectFrom('epochs')
    .select([
      'campaign',
      sql<string | null>`timestampdiff(microsecond, opened_at, current_timestamp(3)) / 1000`.as('ms'),
    ])
    .where('campaign', 'in', idsOf(epochs))
    .where(
      'epoch',
      '=',
      byCampaign(epochs, ({ epoch }) => epoch),
    )
    .execute();
  const msOf = new Map(rows.map(({ campaign, ms }) => [campaign, ms]));
  return epochs.map(({ campaign }) => {
    const ms = msOf.get(campaign);
    return ms == null ? undefined : Number(ms);
  });
}

/** Notes that the gates of these epochs have opened, and what each knew; at most one epoch of a campaign. */
export async function noteOpenings(ledger: Ledger, openings: readonly (NamedEpoch & EpochOpening)[]): Promise<void> {
  const told = (tell: (opening: NamedEpoch & EpochOpening) => number) => byCampaign(openings, tell);
  await sql`update epochs ${BY_KEY} set opened_at = current_timestamp(3),
      after_seq = ${told(({ afterSeq }) => afterSeq)}, known_count = ${told(({ knownCount }) => knownCount)},
      survived_count = ${told(({ survivedCount }) => survivedCount)}, free_count = ${told(({ freeCount }) => freeCount)}
    where campaign in (${sql.join(idsOf(openings))}) and epoch = ${told(({ epoch }) => epoch)}`.execute(ledger.db);
}

/** Reads every row of these campaigns once: half a second a million. */
export async function ledgerFacts(ledger: Ledger, campaigns: readonly string[]): Promise<LedgerFacts[]> {
  const issued = await ledger.db
    .selectFrom('issuances')
    .select((eb) => [
      'campaign',
      eb.fn.countAll<number>().as('count'),
      eb.fn.max('unit').as('maxUnit'),
      eb.fn.max('seq').as('maxSeq'),
    ])
    .where('campaign', 'in', campaigns)
    .groupBy('campaign')
    .execute();
  const cancelled = await ledger.db
    .selectFrom('cancellations')
    .select((eb) => ['campaign', eb.fn.count<number>('tag').distinct().as('count')])
    .where('campaign', 'in', campaigns)
    .where('returned_at', 'is not', null)
    .groupBy('campaign')
    .execute();
  const issuedOf = new Map(issued.map((row) => [row.campaign, row]));
  const cancelledOf = new Map(cancelled.map((row) => [row.campaign, row]));
  return campaigns.map((campaign) => ({
    issuedCount: Number(issuedOf.get(campaign)?.count ?? 0),
    maxUnit: Number(issuedOf.get(campaign)?.maxUnit ?? 0),
    maxSeq: Number(issuedOf.get(campaign)?.maxSeq ?? 0),
    cancelledCount: Number(cancelledOf.get(campaign)?.count ?? 0),
  }));
}

/** Gates that were rebuilt and opened. */
export interface OpenedGates {
  /** The ledger's clock, epoch ms. */
  nowMs: number;
  /** The newest first, at most `OPENED_MAX`. */
  opened: { campaign: string; epoch: number; reason: EpochReason }[];
}

const OPENED_MAX = 1_000;

/**
 * Those that were rebuilt and opened since `sinceMs` by the ledger's clock, or in the last `limits.noticeAgainMs` at most; one
 * that was found whole was not rebuilt. Undefined asks for the clock alone.
 */
export async function listRebuilt(ledger: Ledger, sinceMs: number | undefined): Promise<OpenedGates> {
  const { rows } = await sql<{ now: Date }>`select current_timestamp(3) as now`.execute(ledger.db);
  const now = rows[0]!.now;
  if (sinceMs === undefined) return { nowMs: now.getTime(), opened: [] };
  const opened = await ledger.db
    .selectFrom('epochs')
    .select(['campaign', 'epoch', 'reason'])
    .where('opened_at', '>', new Date(Math.max(sinceMs, now.getTime() - limits.noticeAgainMs)))
    .where('opened_at', '<=', now)
    .where('reason', '!=', 'unverified')
    .orderBy('opened_at', 'desc')
    .limit(OPENED_MAX)
    .execute();
  return { nowMs: now.getTime(), opened };
}
