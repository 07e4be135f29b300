// Issues the tickets of one campaign: receives batches, commits them to the ledger, settles them.
//
// Order of effects, and what a crash between two of them does:
//   receive → ledger commit        crash: delivered again, nothing was done
//   ledger commit → retry scheduled crash: delivered again, the ledger answers `already`
//   retry scheduled → settle        crash: delivered again; the retry is scheduled once for each ticket
//   settle                          the entry is gone, the watermark stands, exceptions are visible: all in one script
import type { Batch, Broker, Consumer } from '../src/broker/port.ts';
import { couponCode } from '../src/domain/coupon.ts';
import { isFault } from '../src/domain/fault.ts';
import type { IssuanceRow, IssueResult } from '../src/domain/issuance.ts';
import type { TicketException } from '../src/domain/outcome.ts';
import { backoffMs, pause, within } from '../src/lifecycle.ts';
import { limits } from '../src/limits.ts';
import type { Gate } from '../src/redis/gate.ts';
import type { Retries } from '../src/retry/port.ts';
import { traceBatch } from '../src/telemetry/join-trace.ts';
import { type EntryTicket, readEntry } from './entry-ticket.ts';

export interface IssuerDeps {
  broker: Broker;
  gate: Pick<Gate, 'takeUnit'>;
  retries: Pick<Retries, 'schedule'>;
  /** Commits what it can of rows of one campaign and tells what stands, in their order. */
  issueBatch: (rows: IssuanceRow[]) => Promise<IssueResult[]>;
  /** Resolves when the ledger is not known to be away, or `stopping` aborts. */
  untilLedgerUp: (stopping: AbortSignal) => Promise<void>;
  keepMalformed: (campaign: string, epoch: number, seq: number, raw: string) => Promise<void>;
  couponKey: Buffer;
  workerName: string;
  onSettled: (count: number, seconds: number) => void;
  /** Hears how many entries it was given and leaves unsettled when it ends. */
  onLeft: (count: number) => void;
  onError: (error: unknown) => void;
}

export interface IssuedCampaign {
  id: string;
  epoch: number;
  shards: number;
}

/** Runs until `stopping` aborts; then finishes the batches in hand. */
export async function issueTickets(deps: IssuerDeps, campaign: IssuedCampaign, stopping: AbortSignal): Promise<void> {
  const consumer = await deps.broker.consume(campaign.id, campaign.shards, deps.workerName);
  const inHand = new Map<Batch, Promise<void>>();
  let failureCount = 0;
  try {
    while (!stopping.aborted) {
      // Nothing is received that could not be issued: it stays for whoever can.
      await deps.untilLedgerUp(stopping);
      if (stopping.aborted) break;
      try {
        for (const batch of await consumer.receive(limits.receiveMs)) {
          const work = settleBatch(deps, campaign, consumer, batch, stopping);
          inHand.set(
            batch,
            work.finally(() => inHand.delete(batch)),
          );
        }
        failureCount = 0;
      } catch (error) {
        deps.onError(error);
        await pause(backoffMs(failureCount++, limits.backoffMinMs, limits.backoffMaxMs), stopping);
      }
    }
    await within(limits.drainMs, Promise.all(inHand.values()));
    for (const { entries } of inHand.keys()) deps.onLeft(entries.length);
  } finally {
    await consumer.close();
  }
}

/** Does all the work of one batch. While the ledger or Redis is away it waits and tries again; nobody acks. */
async function settleBatch(
  deps: IssuerDeps,
  campaign: IssuedCampaign,
  consumer: Consumer,
  batch: Batch,
  stopping: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  const tickets = batch.entries.map(readEntry);
  const span = traceBatch(batch.shard, tickets.length, tickets.map((ticket) => ticket.traceparent).filter(Boolean));
  for (let attempt = 0; ; attempt += 1) {
    try {
      await deps.untilLedgerUp(stopping);
      const exceptions = await issue(deps, campaign, tickets);
      const settled = await consumer.settle(batch, exceptions);
      deps.onSettled(settled, (performance.now() - startedAt) / 1_000);
      break;
    } catch (error) {
      deps.onError(error);
      // Not retryable means that this worker cannot do it; another one, or this one after a fix, will be given it again.
      if (stopping.aborted || !isFault(error) || !error.retryable) {
        await pause(limits.backoffMaxMs / 5, stopping);
        consumer.release(batch);
        if (stopping.aborted) deps.onLeft(batch.entries.length);
        break;
      }
      await pause(backoffMs(attempt, limits.backoffMinMs, limits.backoffMaxMs), stopping);
    }
  }
  span.end();
}

async function issue(deps: IssuerDeps, campaign: IssuedCampaign, tickets: EntryTicket[]): Promise<TicketException[]> {
  const exceptions: TicketException[] = [];
  const rows: IssuanceRow[] = [];
  const traces: string[] = [];
  for (const ticket of tickets) {
    if (ticket.kind === 'malformed') {
      await deps.keepMalformed(campaign.id, campaign.epoch, ticket.seq, ticket.raw);
      exceptions.push({ seq: ticket.seq, outcome: { status: 'failed', reason: 'malformed-entry' } });
    } else {
      rows.push(rowOf(deps, campaign, ticket));
      traces.push(ticket.traceparent);
    }
  }
  const results = rows.length === 0 ? [] : await deps.issueBatch(rows);
  for (const [index, result] of results.entries()) {
    if (result.kind === 'issued' || result.kind === 'already') continue;
    exceptions.push(await exceptionOf(deps, rows[index]!, result, traces[index]!));
  }
  return exceptions;
}

function rowOf(deps: IssuerDeps, { id, epoch }: IssuedCampaign, ticket: EntryTicket & { kind: 'ticket' }): IssuanceRow {
  const { unit, user, seq, admittedAt } = ticket;
  return { campaign: id, unit, user, seq, epoch, code: couponCode(deps.couponKey, id, unit), admittedAt };
}

async function exceptionOf(
  deps: IssuerDeps,
  row: IssuanceRow,
  result: Exclude<IssueResult, { kind: 'issued' } | { kind: 'already' }>,
  traceparent: string,
): Promise<TicketException> {
  const { campaign, epoch, seq, unit, user, admittedAt } = row;
  if (result.kind === 'duplicate') return { seq, ...issuedAs(result, unit) };
  if (result.kind === 'unit-taken') {
    const renumbered = await renumber(deps, row);
    if (renumbered !== undefined) return { seq, ...renumbered };
  }
  const reason = result.kind === 'bad-row' ? result.reason : 'no-unit-left';
  await deps.retries.schedule({ campaign, epoch, seq, unit, user, admittedAt, reason, traceparent });
  return { seq, outcome: { status: 'retrying' } };
}

/** How a ticket ended that was issued under another unit than its own. */
export type Renumbered = Pick<TicketException, 'outcome' | 'returnedUnit'>;

/** The user holds `found.unit`: that one stands, and `spareUnit` goes back if nobody holds it. */
export function issuedAs(found: IssueResult & { kind: 'duplicate' }, spareUnit: number): Renumbered {
  const outcome = { status: 'issued', unit: found.unit } as const;
  return found.ownUnitIsFree ? { outcome, returnedUnit: spareUnit } : { outcome };
}

/**
 * Issues the row under another unit; undefined when none is left. A crash between taking a unit and committing it
 * leaves that unit unsold, never sold twice.
 */
export async function renumber(
  deps: Pick<IssuerDeps, 'gate' | 'issueBatch' | 'couponKey'>,
  row: IssuanceRow,
): Promise<Renumbered | undefined> {
  for (let attempt = 0; attempt < limits.renumberAttemptsMax; attempt += 1) {
    const unit = await deps.gate.takeUnit(row.campaign, row.epoch);
    if (unit === undefined) return undefined;
    const code = couponCode(deps.couponKey, row.campaign, unit);
    const [result] = (await deps.issueBatch([{ ...row, unit, code }])) as [IssueResult];
    if (result.kind === 'issued' || result.kind === 'already') return { outcome: { status: 'issued', unit } };
    if (result.kind === 'duplicate') return issuedAs(result, unit);
  }
  return undefined;
}
