// Compares what the stores say of one campaign: gate, streams, retry queue and ledger. It reads beside the traffic, so a
// difference counts only when a second look, after what was under way has had its time, finds it again.

import type { StoredCampaign } from '../domain/campaign.ts';
import { hasGate } from '../domain/campaign-life.ts';
import { FOLLOWED } from '../domain/campaign-settings.ts';
import { readEntry } from '../domain/entry-ticket.ts';
import type { GateView } from '../domain/gate-view.ts';
import { userTag } from '../domain/ids.ts';
import type { GateContents } from '../gate/port.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { RecoverDeps } from './recover.ts';

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

export interface ReconcileDeps extends Pick<RecoverDeps, 'gates' | 'readGates' | 'ledger' | 'listRetries'> {
  contents: GateContents;
}

/** Everything that two looks agree on, the gravest kinds first; undefined when the ledger has no such campaign. */
export async function reconcile(deps: ReconcileDeps, id: string): Promise<Difference[] | undefined> {
  const first = await compare(deps, id);
  if (first === undefined || first.length === 0) return first;
  await pause(limits.reconcileAgainMs);
  const again = new Set((await compare(deps, id))?.map(nameOf));
  return first.filter((difference) => again.has(nameOf(difference)));
}

const nameOf = ({ kind, unit, epoch, seq }: Difference): string => `${kind} ${unit} ${epoch} ${seq}`;

async function compare(deps: ReconcileDeps, id: string): Promise<Difference[] | undefined> {
  const campaign = await deps.ledger.get(id);
  if (campaign === undefined) return undefined;
  if (!hasGate(campaign)) return [];
  const state = await deps.gates.state(campaign);
  const [view] = await deps.readGates([id]);
  if (state !== 'verified' || view === undefined) return [{ kind: 'gate-closed', detail: state }];
  return differencesOf(campaign, view, await gather(deps, campaign));
}

interface Held {
  unit: number;
  epoch: number;
  seq: number;
}

type Books = Awaited<ReturnType<typeof gather>>;

/** The gate is read before the ledger: what it tells as settled must have its row by the time the ledger is read. */
async function gather(
  { contents, gates, ledger, listRetries }: ReconcileDeps,
  { id, shards, buckets }: StoredCampaign,
) {
  const exceptions = await contents.exceptions(id);
  const remembered = new Map<string, { seq: number; unit: number }>();
  for await (const users of contents.users(id, buckets))
    for (const { tag, ...user } of users) remembered.set(tag, user);
  const free = await contents.freeUnits(id);
  const waiting = new Map<string, Held>();
  for (let shard = 0; shard < shards; shard += 1) {
    for await (const entries of gates.entries(id, shard)) {
      for (const entry of entries) {
        const ticket = readEntry(entry);
        if (ticket.kind === 'ticket') waiting.set(userTag(id, ticket.user), { ...ticket, seq: ticket.ticketSeq });
      }
    }
  }
  const retries = await listRetries(id);
  const kept = new Map((await ledger.keptHolders(id)).map((letter) => [userTag(id, letter.user), letter]));
  const cancelled = new Map((await ledger.cancelledHolders(id)).map((held) => [held.tag, held]));
  const retrying = new Map(retries.map((job) => [userTag(id, job.user), job]));
  const issued = new Map<string, Held>();
  for await (const rows of ledger.holders(id)) {
    for (const { user, unit, epoch, seq } of rows) issued.set(userTag(id, user), { unit, epoch, seq });
  }
  return { exceptions, remembered, free: new Set(free), waiting, retrying, kept, cancelled, issued };
}

function differencesOf(campaign: StoredCampaign, view: GateView, books: Books): Difference[] {
  return [
    ...settings(campaign, view),
    ...holders(books),
    ...promises(view, books),
    ...units(campaign, view, books),
    ...lostTickets(view, books),
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
    const outcome = exceptions.get(user.seq > 0 ? String(user.seq) : tag);
    const told = outcome?.status === 'issued-renumbered' ? outcome.unit : user.unit;
    const isTold = outcome === undefined || outcome.status === 'issued-renumbered';
    if (isTold && told !== row.unit) yield { kind: 'unit-differs', ...row, detail: `the gate says ${told}` };
  }
}

function* promises(view: GateView, books: Books): Iterable<Difference> {
  const { remembered, exceptions, issued, waiting, retrying, kept } = books;
  for (const [tag, { seq, unit }] of remembered) {
    const outcome = exceptions.get(seq > 0 ? String(seq) : tag);
    const isSettled = seq === 0 || seq <= (view.watermarks[seq % view.shards] ?? 0);
    const status = outcome?.status ?? (isSettled && !waiting.has(tag) ? 'issued-as-promised' : 'queued');
    const isTold = status === 'issued-as-promised' || status === 'issued-renumbered';
    if (isTold && !issued.has(tag)) yield { kind: 'issued-without-row', unit, seq };
    if (status === 'retrying' && !retrying.has(tag) && !issued.has(tag)) yield { kind: 'retry-without-job', unit, seq };
    if (status === 'failed' && !kept.has(tag) && !issued.has(tag)) yield { kind: 'failed-without-letter', unit, seq };
  }
}

function* units({ stock }: StoredCampaign, view: GateView, books: Books): Iterable<Difference> {
  const held = new Set<number>();
  for (const hands of [books.issued, books.waiting, books.retrying, books.kept]) {
    for (const { unit } of hands.values()) held.add(unit);
  }
  const nextUnit = stock - (view.remaining - books.free.size);
  for (let unit = 1; unit <= nextUnit; unit += 1) {
    const isFree = books.free.has(unit);
    if (held.has(unit) && isFree) yield { kind: 'unit-held-and-free', unit };
    if (!held.has(unit) && !isFree) yield { kind: 'unit-unaccounted', unit };
  }
}

/** Of each epoch. A stranger's entry in a stream may have moved the gate on by billions that were never given out. */
const LOST_MAX = 1_000_000;

/** Seqs that were given out in an epoch that is over, and that no book has. */
function* lostTickets(view: GateView, books: Books): Iterable<Difference> {
  const known = new Set<string>();
  for (const hands of [books.issued, books.waiting, books.retrying, books.kept, books.cancelled]) {
    for (const { epoch, seq } of hands.values()) known.add(`${epoch}:${seq}`);
  }
  const placed = new Set([...books.remembered.values()].map(({ seq }) => seq));
  for (const [index, { epoch, afterSeq }] of view.epochs.slice(0, -1).entries()) {
    const end = Math.min(view.epochs[index + 1]!.afterSeq, afterSeq + LOST_MAX);
    for (let seq = afterSeq + 1; seq <= end; seq += 1) {
      if (!known.has(`${epoch}:${seq}`) && !placed.has(seq)) yield { kind: 'ticket-lost', epoch, seq };
    }
  }
}
