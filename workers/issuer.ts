// Issues tickets: receives batches of whichever campaigns have them, commits them to the ledger, settles them.
//
// Order of effects, and what a crash between two of them does:
//   receive → ledger commit        crash: delivered again, nothing was done
//   ledger commit → retry scheduled crash: delivered again, the ledger answers `already`
//   retry scheduled → settle        crash: delivered again; the retry is scheduled once for each ticket
//   settle → release                crash: the entry is gone, the watermark stands, exceptions are visible: all in one
//                                   script; a carrier that was not told so delivers again what counts no more
import type { Batch, TicketSource } from '../src/broker/port.ts';
import { type EntryTicket, readEntry } from '../src/domain/entry-ticket.ts';
import { NO_UNIT_LEFT } from '../src/domain/failure.ts';
import { isFault } from '../src/domain/fault.ts';
import type { IssuanceRow, IssueResult } from '../src/domain/issuance.ts';
import type { SettledWork } from '../src/domain/settled-work.ts';
import type { TicketException } from '../src/domain/ticket-state.ts';
import type { Settlement } from '../src/gate/port.ts';
import { endedAs, renumber } from '../src/issuing/renumber.ts';
import { type IssuingDeps, issueRows, rowOf } from '../src/issuing/rows.ts';
import { backoffMs, pause, within } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import type { Retries } from '../src/retry/port.ts';
import { createBatchTraces, inSettleSpan, type TraceBatch } from '../src/telemetry/batch-trace.ts';
import type { Carrier } from '../src/telemetry/messaging.ts';

export interface IssuerDeps extends IssuingDeps {
  /** This duty's own: it is closed when the duty ends. */
  source: TicketSource;
  /** What the source reads. */
  carrier: Carrier;
  settlement: Settlement;
  retries: Pick<Retries, 'schedule'>;
  /** Resolves when the ledger is not known to be away, or `stopping` aborts. */
  untilLedgerUp: (stopping: AbortSignal) => Promise<void>;
  keepMalformed: (campaign: string, epoch: number, seq: number, raw: string) => Promise<unknown>;
  onSettled: (work: SettledWork) => void;
  /** Takes how many entries it was given and leaves unsettled when it ends. */
  onLeft: (count: number) => void;
  onError: (error: unknown) => void;
}

/** Runs until `stopping` aborts; then finishes the batches in hand. */
export async function issueTickets(deps: IssuerDeps, stopping: AbortSignal): Promise<void> {
  const inHand = new Map<Batch, Promise<void>>();
  const traceBatch = createBatchTraces(deps.carrier);
  const take = (batches: readonly Batch[]) => {
    for (const batch of batches) {
      const work = settleBatch({ ...deps, traceBatch }, batch, stopping);
      inHand.set(
        batch,
        work.finally(() => inHand.delete(batch)),
      );
    }
  };
  let failureCount = 0;
  while (!stopping.aborted) {
    // Nothing is received that could not be issued: it stays for another worker.
    await deps.untilLedgerUp(stopping);
    if (stopping.aborted) break;
    try {
      take(await deps.source.receive(limits.receiveMs));
      failureCount = 0;
    } catch (error) {
      deps.onError(error);
      await pause(backoffMs(failureCount++, limits.backoffMinMs, limits.backoffMaxMs), stopping);
    }
  }
  take(await deps.source.close());
  await within(limits.drainMs, Promise.all(inHand.values()));
  for (const { entries } of inHand.keys()) deps.onLeft(entries.length);
}

interface TracedDeps extends IssuerDeps {
  traceBatch: TraceBatch;
}

/** Does all the work of one batch. While the ledger or Redis is away it waits and tries again; nobody settles it. */
async function settleBatch(deps: TracedDeps, batch: Batch, stopping: AbortSignal): Promise<void> {
  const receivedAt = Date.now();
  const tickets = batch.entries.map(readEntry);
  const trace = deps.traceBatch(
    batch,
    tickets.map(({ traceparent }) => traceparent),
  );
  for (let attempt = 0; ; attempt += 1) {
    try {
      await deps.untilLedgerUp(stopping);
      // After an outage another worker may be at work on it. What is still this worker's is received again.
      if (attempt > 0 && batch.mayBeElsewhere()) {
        deps.source.release(batch, 'unsettled');
        break;
      }
      const { count, exceptions } = await trace.step(async () => {
        const found = await issue(deps, batch, tickets);
        return {
          exceptions: found,
          count: await inSettleSpan(batch, () => deps.settlement.settle(batch, found)),
        };
      });
      deps.source.release(batch, 'settled');
      deps.onSettled({ count, receivedAt, settledAt: Date.now(), issued: issuedOf(tickets, exceptions) });
      break;
    } catch (error) {
      trace.failed(error);
      // The gate was verified or rebuilt meanwhile: its new epoch delivers again what it still has of this batch.
      if (isFault(error, 'stale-epoch')) {
        // It is delivered again at once, and once more, until its source knows of the epoch.
        await pause(limits.backoffMinMs, stopping);
        deps.source.release(batch, 'unsettled');
        break;
      }
      trace.step(() => deps.onError(error));
      // Not retryable means that this worker cannot do it; another one, or this one after a fix, will be given it again.
      if (stopping.aborted || !isFault(error) || !error.retryable) {
        await pause(limits.backoffMaxMs / 5, stopping);
        deps.source.release(batch, 'unsettled');
        if (stopping.aborted) deps.onLeft(batch.entries.length);
        break;
      }
      await pause(backoffMs(attempt, limits.backoffMinMs, limits.backoffMaxMs), stopping);
    }
  }
  trace.end();
}

/** Those of a batch that have a row now, under their own unit or another one. */
function issuedOf(tickets: readonly EntryTicket[], exceptions: readonly TicketException[]): SettledWork['issued'] {
  const others = new Set(
    exceptions.flatMap(({ seq, outcome }) => (outcome.status === 'issued-renumbered' ? [] : [seq])),
  );
  return tickets.flatMap((ticket) => (ticket.kind === 'ticket' && !others.has(ticket.seq) ? [ticket] : []));
}

/** A ticket on its way into the ledger: its row, and the seq of its entry. */
interface Underway {
  row: IssuanceRow;
  place: number;
  traceparent: string;
}

async function issue(deps: IssuerDeps, { campaign, epoch }: Batch, tickets: EntryTicket[]): Promise<TicketException[]> {
  const exceptions: TicketException[] = [];
  const underway: Underway[] = [];
  for (const ticket of tickets) {
    if (ticket.kind === 'malformed') {
      await deps.keepMalformed(campaign, epoch, ticket.seq, ticket.raw);
      exceptions.push({ seq: ticket.seq, outcome: { status: 'failed', reason: 'malformed-entry' } });
    } else {
      const { seq: place, ticketSeq: seq, traceparent } = ticket;
      underway.push({ row: rowOf(deps, { ...ticket, campaign, seq }), place, traceparent });
    }
  }
  const results = await issueRows(
    deps,
    underway.map(({ row }) => row),
    epoch,
  );
  for (const [index, result] of results.entries()) {
    if (result.kind === 'issued' || result.kind === 'already') continue;
    const { row, place, traceparent } = underway[index]!;
    exceptions.push({ seq: place, ...(await exceptionOf(deps, epoch, { row, result, traceparent })) });
  }
  return exceptions;
}

interface NotIssued {
  row: IssuanceRow;
  result: Exclude<IssueResult, { kind: 'issued' } | { kind: 'already' }>;
  traceparent: string;
}

async function exceptionOf(
  deps: IssuerDeps,
  gateEpoch: number,
  { row, result, traceparent }: NotIssued,
): Promise<Omit<TicketException, 'seq'>> {
  const { campaign, epoch, seq, unit, user, admittedAt } = row;
  if ('ownUnitIsFree' in result) return endedAs(result, unit);
  const ticket = { campaign, epoch, seq, user, admittedAt, traceparent };
  if (result.kind === 'bad-row') {
    await deps.retries.schedule({ ...ticket, unit, reason: result.reason });
    return { outcome: { status: 'retrying' } };
  }
  const renumbered = await renumber(deps, row, gateEpoch);
  if (renumbered !== undefined && 'outcome' in renumbered) return renumbered;
  // Its unit is somebody else's: were the job to keep the number, giving the ticket back would sell that unit again.
  await deps.retries.schedule({ ...ticket, unit: 0, reason: renumbered?.reason ?? NO_UNIT_LEFT });
  return { outcome: { status: 'retrying' } };
}
