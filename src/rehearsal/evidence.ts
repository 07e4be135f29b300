// The log and the ledger, indexed by what the rules of the checker ask for.
import type { LedgerContents, LedgerRow } from './ledger-reader.ts';
import type { JoinAnswer, Log, Sighting } from './log.ts';

/** Somebody who was given a ticket. */
export interface TicketHolder {
  user: string;
  tickets: Set<string>;
  seqs: Set<number>;
  /** Answers 202; asking again is answered 200. */
  acceptedCount: number;
  /** Monotonic ms of the first join sent: no admission can be older. */
  firstSentMs: number;
}

export interface Evidence {
  stock: number;
  log: Log;
  rows: LedgerRow[];
  rowsByUser: Map<string, LedgerRow[]>;
  deadSeqs: Set<number>;
  holders: Map<string, TicketHolder>;
  soldOut: JoinAnswer[];
  /** Users whose last word was no answer or a 5xx: they may hold a ticket they were never told of. */
  unresolved: Set<string>;
  lastSighting: Map<string, Sighting>;
}

export function gatherEvidence(log: Log, ledger: LedgerContents, stock: number): Evidence {
  const holders = holdersOf(log);
  const soldOut = log.joins.filter(({ kind }) => kind === 'sold-out');
  const toldSoldOut = new Set(soldOut.map(({ user }) => user));
  const unresolved = new Set<string>();
  for (const { user, status } of log.joins) {
    if ((status === 0 || status >= 500) && !holders.has(user) && !toldSoldOut.has(user)) unresolved.add(user);
  }
  return {
    stock,
    log,
    rows: ledger.rows,
    rowsByUser: Map.groupBy(ledger.rows, ({ user }) => user),
    deadSeqs: new Set(ledger.deadLetterSeqs),
    holders,
    soldOut,
    unresolved,
    lastSighting: new Map(log.sightings.map((sighting) => [sighting.user, sighting])),
  };
}

/** Everyone who was given a ticket, by user. */
export function holdersOf(log: Log): Map<string, TicketHolder> {
  const firstSent = new Map<string, number>();
  for (const { user, sentMs } of log.joins) firstSent.set(user, Math.min(sentMs, firstSent.get(user) ?? sentMs));
  const holders = new Map<string, TicketHolder>();
  for (const { user, kind, ticket, seq } of log.joins) {
    if (ticket === undefined || seq === undefined) continue;
    const holder = holders.get(user) ?? newHolder(user, firstSent.get(user)!);
    holder.tickets.add(ticket);
    holder.seqs.add(seq);
    if (kind === 'accepted') holder.acceptedCount += 1;
    holders.set(user, holder);
  }
  return holders;
}

function newHolder(user: string, firstSentMs: number): TicketHolder {
  return { user, tickets: new Set(), seqs: new Set(), acceptedCount: 0, firstSentMs };
}

/** Whether the ledger has a row or a dead letter for what `holder` was promised. */
export function isSettled(evidence: Evidence, holder: TicketHolder): boolean {
  return evidence.rowsByUser.has(holder.user) || isDeadLetter(evidence, holder);
}

export function isDeadLetter(evidence: Evidence, holder: TicketHolder): boolean {
  return holder.seqs.values().some((seq) => evidence.deadSeqs.has(seq));
}
