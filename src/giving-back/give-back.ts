// A user gives a ticket back. Who decides depends on how far it has come:
//   no worker has it   the gate decides, in one script: entry, outcome and unit; then the ledger writes it down
//   a worker has it    nobody can say yet: a short wait, then "ask again"
//   being retried      the gate is marked and the ledger cancels it, so it cannot be issued; the retrier returns its unit
//   issued or failed   the ledger decides, in one transaction; then the gate shows it and takes the unit; then the
//                      ledger notes that it did
// A crash after the gate's decision leaves the ledger without the row: asking again writes it. A crash after the ledger's
// leaves a unit that has yet to go back: asking again, or the finisher, sees to it. The unit goes back once in any order.

import type { Campaigns } from '../admission/campaigns.ts';
import type { HeldTicket } from '../admission/held-tickets.ts';
import type { TicketBody } from '../admission/ticket-body.ts';
import type { Tickets } from '../admission/tickets.ts';
import type { Cancellation, GivenBack } from '../domain/cancellation.ts';
import { spanClock } from '../domain/clock.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { GateView } from '../domain/gate-view.ts';
import type { Cancelled, Returns } from '../gate/port.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';

/** What giving back needs of the ledger. */
export interface CancellationStore {
  cancel(given: GivenBack): Promise<Cancellation | 'busy' | undefined>;
  recordCancelled(given: GivenBack): Promise<void>;
  /** Cancels a ticket that is being retried; whoever retries it finds that and returns its unit. */
  recordWish(given: GivenBack): Promise<unknown>;
  markReturned(cancellation: Cancellation): Promise<void>;
}

export interface GiveBackDeps {
  store: CancellationStore;
  returns: Pick<Returns, 'cancel' | 'giveBack'>;
  campaigns: Campaigns;
  tickets: Pick<Tickets, 'status'>;
}

export type GiveBackAnswer =
  /** It is cancelled; or it will be, and `body` says `retrying` until then. */
  | { kind: 'cancelled' | 'cancelling'; body: TicketBody }
  /** In a worker's hands, or in an operator's: ask again. */
  | { kind: 'busy' }
  /** The gate calls it issued, and the ledger has no such row: only an operator can tell what happened. */
  | { kind: 'unaccounted' }
  /** Its campaign is archived: what became of it stands. */
  | { kind: 'ended' }
  | { kind: 'unknown' };

/**
 * Gives a ticket back; `user` where who asks has said so. Answers in the same turn what is remembered, and rejects with a
 * retryable Fault when the outcome is unknown.
 */
export type GiveBack = (held: HeldTicket, user: string | undefined) => GiveBackAnswer | Promise<GiveBackAnswer>;

/** What a front remembers of the latest give-back of a ticket. */
interface Latest {
  answer: GiveBackAnswer | Promise<GiveBackAnswer>;
  /** Whether the request said who its user is, which the ledger records as well. */
  isIdentified: boolean;
  /** By the span clock: until then it is the answer to the next request, too; infinite while it is under way. */
  standsUntil: number;
  /** The epoch of the gate in which the ledger has recorded it: it is the answer as long as that epoch lasts. */
  recordedIn?: number | undefined;
}

/**
 * One give-back a ticket at a time. A request that comes meanwhile gets the same answer, and so does one that comes soon
 * after a give-back that did not end. Once the ledger has recorded it, neither the gate nor the ledger is asked again.
 */
export function createGiveBack(deps: GiveBackDeps): GiveBack {
  // As long as the front remembers the verified ticket.
  const latest = new WeakMap<HeldTicket, Latest>();
  return (held, user) => {
    const known = latest.get(held);
    if (known !== undefined && stands(deps, held, user, known)) return known.answer;
    const epoch = epochOf(deps, held);
    const answer = giveBack(deps, held, user);
    const noted: Latest = { answer, isIdentified: user !== undefined, standsUntil: Number.POSITIVE_INFINITY };
    latest.set(held, noted);
    const rest = () => {
      noted.standsUntil = spanClock() + limits.giveBackRestMs;
    };
    answer.then((told) => {
      rest();
      noted.answer = told;
      const isRecorded = told.kind === 'cancelled' && told.body.status === 'cancelled';
      if (isRecorded && epochOf(deps, held) === epoch) noted.recordedIn = epoch;
    }, rest);
    return answer;
  };
}

const epochOf = ({ campaigns }: GiveBackDeps, { ticket }: HeldTicket): number | undefined =>
  campaigns.peek(ticket.campaign)?.view.epoch;

/** After a new epoch the gate and the ledger are asked again: one of them may have lost something. */
function stands(deps: GiveBackDeps, held: HeldTicket, user: string | undefined, known: Latest): boolean {
  const { standsUntil, recordedIn } = known;
  if (standsUntil === Number.POSITIVE_INFINITY) return true;
  if (recordedIn !== undefined) return recordedIn === epochOf(deps, held) && (user === undefined || known.isIdentified);
  return spanClock() < standsUntil;
}

async function giveBack(deps: GiveBackDeps, held: HeldTicket, user: string | undefined): Promise<GiveBackAnswer> {
  const giveUpAt = spanClock() + limits.giveBackMs;
  for (;;) {
    const memory = await deps.campaigns.get(held.ticket.campaign, true).catch((error: unknown) => {
      if (isFault(error, 'archived')) return 'archived' as const;
      throw error;
    });
    if (memory === undefined) return { kind: 'unknown' };
    if (memory === 'archived') return afterEnd(deps, held, user);
    const end = await giveBackOnce(deps, memory.view, held, user);
    if (end === 'cancelled' || end === 'cancelling') {
      if (end === 'cancelled') memory.cancelled.add(held.ticket.tag);
      const body = await deps.tickets.status(held, user);
      if (body === undefined) return { kind: 'unknown' };
      // What is remembered of the gate may be older than its answer.
      return { kind: end, body: body.status === 'queued' ? { ...body, status: 'retrying', ahead: 0 } : body };
    }
    if (end === 'unaccounted') return { kind: end };
    if (spanClock() >= giveUpAt) return { kind: 'busy' };
    await pause(limits.giveBackLookMs);
  }
}

/** Asking again is harmless, also once its campaign is archived. */
async function afterEnd(deps: GiveBackDeps, held: HeldTicket, user: string | undefined): Promise<GiveBackAnswer> {
  const body = await deps.tickets.status(held, user);
  return body?.status === 'cancelled' ? { kind: 'cancelled', body } : { kind: 'ended' };
}

type End = 'cancelled' | 'cancelling' | 'busy' | 'unaccounted';

async function giveBackOnce(
  deps: GiveBackDeps,
  view: GateView,
  held: HeldTicket,
  user: string | undefined,
): Promise<End> {
  const { campaign, tag } = held.ticket;
  const found = await deps.returns.cancel(view, tag).catch(async (error: unknown) => {
    if (isFault(error, 'stale-epoch')) await deps.campaigns.refresh(campaign).catch(() => undefined);
    throw error;
  });
  const given: GivenBack = {
    campaign,
    tag,
    user: user ?? found.user,
    unit: found.unit,
    names: namesOf(view, held, found),
  };
  switch (found.state) {
    case 'cancelled':
    case 'already':
      await deps.store.recordCancelled(given);
      return 'cancelled';
    case 'cancelling':
      // Before it is promised: the mark of the gate is lost where the gate is.
      return (await deps.store.recordWish(given)) === undefined ? 'unaccounted' : 'cancelling';
    case 'pending':
      return 'busy';
    case 'issued-as-promised':
    case 'issued-renumbered':
    case 'failed': {
      const cancellation = await deps.store.cancel(given);
      if (cancellation === 'busy') return 'busy';
      if (cancellation === undefined) return 'unaccounted';
      await finishReturn(deps, view, { ...cancellation, tag });
      return 'cancelled';
    }
    case 'lost':
      throw new Fault('gate-missing', 'the gate does not know this ticket', { retryable: true });
  }
}

/** As it was signed, which is what an issuance and a letter are named after; for a later ticket of the same user, its own. */
function namesOf(view: GateView, { ticket }: HeldTicket, { place }: Cancelled) {
  const asSigned = { epoch: ticket.epoch, seq: ticket.seq };
  return place === 0 || place === ticket.seq ? [asSigned] : [asSigned, { epoch: view.epoch, seq: place }];
}

/** Shows in the gate what the ledger decided, then notes in the ledger that the unit went back. May be done again. */
export async function finishReturn(
  deps: { returns: Pick<Returns, 'giveBack'>; store: Pick<CancellationStore, 'markReturned'> },
  view: GateView,
  cancellation: Cancellation,
): Promise<void> {
  await deps.returns.giveBack(view, cancellation);
  await deps.store.markReturned(cancellation);
}
