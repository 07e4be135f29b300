// What the books of a campaign differ in. Pure.
import type { StoredCampaign } from '../domain/campaign.ts';
import { FOLLOWED } from '../domain/campaign-settings.ts';
import type { GateView } from '../domain/gate-view.ts';
import { type Books, exceptionKey } from './books.ts';

export type DifferenceKind =
  /** The gate is missing, damaged, or not verified since Redis was started. */
  | 'gate-closed'
  /** The gate has other settings than the ledger: of another version, or of a ledger that was restored and changed since. */
  | 'settings-differ'
  /** The ledger has a row of a user whom the gate does not know. */
  | 'holder-unknown'
  /** The gate tells another unit than the ledger has. */
  | 'unit-differs'
  /** The gate tells that a ticket was issued, and the ledger has no row. */
  | 'issued-without-row'
  /** A unit that somebody holds is to be sold again. */
  | 'unit-held-and-free'
  /** A unit that was given out, and that nobody holds and nobody can buy. */
  | 'unit-unaccounted'
  /** The gate waits for a retry that the queue does not have. */
  | 'retry-without-job'
  /** The gate tells of a failure that no operator can see. */
  | 'failed-without-letter'
  /** A ticket that was given out, and that nobody knows any more; its holder has not asked since. */
  | 'ticket-lost';

/** One difference. `epoch` and `seq` are of the ticket, `unit` what it is about; never a user. */
export interface Difference {
  kind: DifferenceKind;
  unit?: number;
  epoch?: number;
  seq?: number;
  detail?: string;
}

export function differencesOf(campaign: StoredCampaign, view: GateView, books: Books): Difference[] {
  return [
    ...settings(campaign, view),
    ...holders(books),
    ...promises(view, books),
    ...units(campaign, view, books),
    ...lostTickets(books),
  ];
}

const SETTINGS = new Set(['name', 'state', ...FOLLOWED.map(({ name }) => name)] as const);

function* settings(campaign: StoredCampaign, view: GateView): Iterable<Difference> {
  if (view.version !== campaign.version) {
    yield { kind: 'settings-differ', detail: `the gate has version ${view.version}, the ledger ${campaign.version}` };
    return;
  }
  const differing = [...SETTINGS].filter((name) => view[name] !== campaign[name]);
  if (differing.length > 0)
    yield { kind: 'settings-differ', detail: `same version, but different ${differing.join(', ')}` };
}

function* holders({ issued, remembered, exceptions }: Books): Iterable<Difference> {
  for (const [tag, row] of issued) {
    const user = remembered.get(tag);
    if (user === undefined) {
      yield { kind: 'holder-unknown', ...row };
      continue;
    }
    const outcome = exceptions.get(exceptionKey(tag, user.seq));
    const told = outcome?.status === 'issued-renumbered' ? outcome.unit : user.unit;
    const isTold = outcome === undefined || outcome.status === 'issued-renumbered';
    if (isTold && told !== row.unit) yield { kind: 'unit-differs', ...row, detail: `the gate says ${told}` };
  }
}

function* promises(view: GateView, books: Books): Iterable<Difference> {
  const { remembered, exceptions, issued, waiting, retrying, kept } = books;
  for (const [tag, { seq, unit }] of remembered) {
    const outcome = exceptions.get(exceptionKey(tag, seq));
    const isSettled = seq === 0 || seq <= (view.watermarks[seq % view.shards] ?? 0);
    const status = outcome?.status ?? (isSettled && !waiting.has(tag) ? 'issued-as-promised' : 'queued');
    const isTold = status === 'issued-as-promised' || status === 'issued-renumbered';
    if (isTold && !issued.has(tag)) yield { kind: 'issued-without-row', unit, seq };
    if (status === 'retrying' && !retrying.has(tag) && !issued.has(tag)) yield { kind: 'retry-without-job', unit, seq };
    if (status === 'failed' && !kept.has(tag) && !issued.has(tag)) yield { kind: 'failed-without-letter', unit, seq };
  }
}

function* units({ stock }: StoredCampaign, view: GateView, { units: book, freeCount }: Books): Iterable<Difference> {
  const nextUnit = stock - (view.remaining - freeCount);
  for (let unit = 1; unit <= nextUnit; unit += 1) {
    if (book.isHeld(unit) && book.isFree(unit)) yield { kind: 'unit-held-and-free', unit };
    if (!book.isHeld(unit) && !book.isFree(unit)) yield { kind: 'unit-unaccounted', unit };
  }
}

/** Seqs that were given out in an epoch that is over, and that no book has. */
function* lostTickets({ seqs }: Books): Iterable<Difference> {
  for (const { epoch, seq } of seqs.missing()) yield { kind: 'ticket-lost', epoch, seq };
}
