// Makes tickets true: a batch becomes rows of the ledger, each exactly once, whoever else tries the same.
//
// Order of effects: INSERT (one statement, one transaction) → answer known → results. A crash anywhere leaves all of the
// statement's rows or none; the batch is delivered again and finds what stands. The caller acks only what it was told here.
import { Fault } from '../domain/fault.ts';
import type { IssuanceRow, IssueResult } from '../domain/issuance.ts';
import { limits } from '../process/limits.ts';
import { detailOf, kindOf } from './errors.ts';
import { cancelledUsers, findExclusions, hasExclusions, keptTickets } from './exclusion.ts';
import { codeStands, type Fence, insertRows, malformation, readStanding, unitsHeld } from './issuance-rows.ts';
import { forgetLastUnit, lastUnitFor } from './last-units.ts';
import type { Ledger } from './pool.ts';
import { retrying } from './retry.ts';
import { rulingsOf, withoutClashes } from './rulings.ts';

interface Pending {
  row: IssuanceRow;
  index: number;
}

interface Batch {
  ledger: Ledger;
  fence: Fence | undefined;
  lastUnit: number;
  results: IssueResult[];
  /** Statements without an answer that may still be looked into; after that the ledger counts as away. */
  unknownsLeft: number;
}

/**
 * Issues up to `limits.workBatchMax` rows of one campaign and says for each, in the order given, what became of it.
 * One statement when nothing is in the way; with k rows in the way O(k log n). Every result is committed and known.
 * With `epoch`, the gate's under which they were received, nothing is written of a ticket that is cancelled or kept as a
 * dead letter, nor once another epoch has begun: a retryable `stale-epoch` Fault. Throws a retryable `ledger-unavailable` Fault when it is not known: then nothing may be acked, and the same batch may
 * be given again. Throws `not-found` when the ledger has no such campaign and `invalid` for a batch that is none.
 */
export async function issueBatch(ledger: Ledger, rows: readonly IssuanceRow[], epoch?: number): Promise<IssueResult[]> {
  const first = rows[0];
  if (first === undefined) return [];
  if (rows.length > limits.workBatchMax) throw new Fault('invalid', `more than ${limits.workBatchMax} rows in a batch`);
  if (rows.some((row) => row.campaign !== first.campaign))
    throw new Fault('invalid', 'rows of two campaigns in a batch');

  const results = new Array<IssueResult>(rows.length);
  const wellFormed: Pending[] = [];
  rows.forEach((row, index) => {
    const detail = malformation(row);
    if (detail === undefined) wellFormed.push({ row, index });
    else results[index] = { kind: 'bad-row', reason: 'malformed', detail };
  });
  const neededUnit = wellFormed.reduce((most, { row }) => Math.max(most, row.unit), 0);
  const lastUnit = await lastUnitFor(ledger, first.campaign, neededUnit);
  const fence = epoch === undefined ? undefined : { epoch, asksEach: hasExclusions(ledger, first.campaign) };
  const batch: Batch = { ledger, fence, lastUnit, results, unknownsLeft: 1 };
  const withinStock = wellFormed.filter(({ row, index }) => {
    if (row.unit <= lastUnit) return true;
    results[index] = { kind: 'bad-row', reason: 'beyond-stock', detail: `the last unit is ${lastUnit}` };
    return false;
  });
  // In key order, so that two issuers of the same rows wait for each other instead of deadlocking.
  await settle(
    batch,
    withinStock.sort((a, b) => a.row.unit - b.row.unit),
  );
  return results;
}

/** Ends, because every step settles a row, halves what is left, or asks for each from then on. */
async function settle(batch: Batch, pending: Pending[]): Promise<void> {
  if (pending.length === 0) return;
  const fault = await insert(batch, pending);
  if (fault === undefined) {
    for (const { index } of pending) batch.results[index] = { kind: 'issued' };
    return;
  }
  const kind = kindOf(fault);
  if (kind === 'row') return settleHalves(batch, pending, fault);
  if (kind === 'stale') return settle(batch, await settleExcluded(batch, pending, fault));

  const left = await settleStanding(batch, pending);
  const { clear, clashing } = withoutClashes(left);
  const gotOn = left.length < pending.length || clashing.length > 0;
  if (!gotOn && kind === 'duplicate') return settleHalves(batch, pending, fault);
  await settle(batch, clear);
  await settle(batch, clashing);
}

/** The Fault of a statement that may be worked around; undefined when all rows were written; throws any other. */
async function insert(batch: Batch, pending: Pending[]): Promise<Fault | undefined> {
  const rows = pending.map(({ row }) => row);
  try {
    await retrying(() => insertRows(batch.ledger, rows, batch.lastUnit, batch.fence));
    return undefined;
  } catch (error) {
    const kind = kindOf(error);
    if (kind === 'duplicate' || kind === 'row' || kind === 'stale') return error as Fault;
    if (kind === 'unknown' && batch.unknownsLeft > 0) {
      // It may have been done, or still be on its way. What stands decides; if it comes later, its keys collide.
      batch.unknownsLeft -= 1;
      return error as Fault;
    }
    forgetLastUnit(batch.ledger, rows[0]!.campaign);
    throw error;
  }
}

async function settleHalves(batch: Batch, pending: Pending[], fault: Fault): Promise<void> {
  if (pending.length === 1) return settleAlone(batch, pending[0]!, fault);
  const middle = pending.length >> 1;
  await settle(batch, pending.slice(0, middle));
  await settle(batch, pending.slice(middle));
}

async function settleAlone(batch: Batch, { row, index }: Pending, fault: Fault): Promise<void> {
  if (kindOf(fault) === 'row') {
    batch.results[index] = { kind: 'bad-row', reason: 'rejected', detail: detailOf(fault) };
  } else if (await codeStands(batch.ledger, row.code)) {
    batch.results[index] = { kind: 'bad-row', reason: 'code-taken', detail: 'another unit has this code' };
  } else {
    throw new Fault('ledger-unavailable', 'the conflicting row is gone; the insert may be repeated', {
      cause: fault,
      retryable: true,
    });
  }
}

/**
 * Settles the rows of tickets that are cancelled or kept as dead letters, and returns those to be tried again. Throws the
 * fault of a stale epoch.
 */
async function settleExcluded(batch: Batch, pending: Pending[], fault: Fault): Promise<Pending[]> {
  const { campaign } = pending[0]!.row;
  if (batch.fence?.asksEach === false && (await findExclusions(batch.ledger, campaign))) {
    batch.fence = { ...batch.fence, asksEach: true };
    return pending;
  }
  const left = await settleKept(batch, await settleCancelled(batch, pending));
  if (left.length === pending.length) {
    forgetLastUnit(batch.ledger, campaign);
    throw fault;
  }
  return left;
}

async function settleCancelled(batch: Batch, pending: Pending[]): Promise<Pending[]> {
  const { campaign } = pending[0]!.row;
  const users = await cancelledUsers(
    batch.ledger,
    campaign,
    pending.map(({ row }) => row.user),
  );
  const cancelled = pending.filter(({ row }) => users.has(row.user));
  if (cancelled.length === 0) return pending;
  const held = await unitsHeld(
    batch.ledger,
    campaign,
    cancelled.map(({ row }) => row.unit),
  );
  for (const { row, index } of cancelled) {
    batch.results[index] = { kind: 'cancelled', ownUnitIsFree: !held.has(row.unit) };
  }
  return pending.filter(({ row }) => !users.has(row.user));
}

/** A row beside a kept letter, which a version before this one may have left, stands. */
async function settleKept(batch: Batch, pending: Pending[]): Promise<Pending[]> {
  if (pending.length === 0) return pending;
  const letters = await keptTickets(
    batch.ledger,
    pending[0]!.row.campaign,
    pending.map(({ row }) => row.user),
  );
  const kept = pending.filter(({ row }) => letters.has(row.user));
  if (kept.length === 0) return pending;
  const ruling = rulingsOf(
    await readStanding(
      batch.ledger,
      kept.map(({ row }) => row),
    ),
  );
  for (const { row, index } of kept) {
    const standing = ruling(row);
    const { unit, reason } = letters.get(row.user)!;
    const ownUnitIsFree = standing === undefined && unit !== row.unit;
    const isIssued = standing?.kind === 'already' || standing?.kind === 'duplicate';
    batch.results[index] = isIssued ? standing : { kind: 'kept', reason, ownUnitIsFree };
  }
  return pending.filter(({ row }) => !letters.has(row.user));
}

/** Settles the rows that something standing decides about, and returns the others. */
async function settleStanding(batch: Batch, pending: Pending[]): Promise<Pending[]> {
  const standing = await readStanding(
    batch.ledger,
    pending.map(({ row }) => row),
  );
  const ruling = rulingsOf(standing);
  return pending.filter(({ row, index }) => {
    const result = ruling(row);
    if (result === undefined) return true;
    batch.results[index] = result;
    return false;
  });
}
