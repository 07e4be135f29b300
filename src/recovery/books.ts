// What gate, streams, retry queue and ledger know of the users of a campaign, read one after the other beside the traffic.
// Where the stores agree about a user, only a mark at the unit stays in memory (./unit-book.ts).
import type { StoredCampaign } from '../domain/campaign.ts';
import { readEntry } from '../domain/entry-ticket.ts';
import type { GateView } from '../domain/gate-view.ts';
import { userTag } from '../domain/ids.ts';
import type { Exceptional } from '../domain/ticket-state.ts';
import type { GateContents } from '../gate/port.ts';
import { EpochSeqs } from './epoch-seqs.ts';
import type { RecoverDeps } from './recover.ts';
import { UnitBook } from './unit-book.ts';

export interface BookDeps extends Pick<RecoverDeps, 'gates' | 'ledger' | 'listRetries'> {
  contents: GateContents;
}

/** A ticket in a store, as it was signed. */
export interface Held {
  unit: number;
  epoch: number;
  seq: number;
}

/** Users by tag. A user about whom the gate agrees with a stream or with the ledger is in no map. */
export interface Books {
  /** By seq, or by tag where the seq is 0. */
  exceptions: ReadonlyMap<string, Exceptional>;
  remembered: ReadonlyMap<string, { seq: number; unit: number }>;
  waiting: ReadonlyMap<string, Held>;
  issued: ReadonlyMap<string, Held>;
  retrying: ReadonlyMap<string, Held>;
  kept: ReadonlyMap<string, Held>;
  /** Of all users. */
  units: UnitBook;
  freeCount: number;
  seqs: EpochSeqs;
}

/** What the gate says of a user, as a key of its exceptions. */
export const exceptionKey = (tag: string, seq: number): string => (seq > 0 ? String(seq) : tag);

/** The gate is read before the ledger: what it tells as settled must have its row by the time the ledger is read. */
export async function readBooks(deps: BookDeps, campaign: StoredCampaign, view: GateView): Promise<Books> {
  const { contents, ledger, listRetries } = deps;
  const { id, stock, buckets } = campaign;
  const units = new UnitBook(stock);
  const seqs = new EpochSeqs(view.epochs);
  const exceptions = await contents.exceptions(id);
  const remembered = new Map<string, { seq: number; unit: number }>();
  for await (const users of contents.users(id, buckets)) {
    for (const user of users) {
      seqs.place(user.seq);
      const isOdd = exceptions.has(exceptionKey(user.tag, user.seq));
      if (isOdd || !units.remember(user)) remembered.set(user.tag, user);
    }
  }
  const free = await contents.freeUnits(id);
  for (const unit of free) units.free(unit);
  const note = ({ unit, ...ticket }: Held): void => {
    units.hold(unit);
    seqs.ticket(ticket);
  };
  const waiting = await readWaiting(deps, campaign, (tag, ticket) => {
    note(ticket);
    return units.confirm(tag, ticket.unit);
  });
  const byTag = <T extends Held & { user: string }>(tickets: readonly T[]) => {
    for (const ticket of tickets) note(ticket);
    return new Map(tickets.map((ticket) => [userTag(id, ticket.user), ticket]));
  };
  const retrying = byTag(await listRetries(id));
  const kept = byTag(await ledger.keptHolders(id));
  for (const ticket of await ledger.cancelledHolders(id)) seqs.ticket(ticket);
  const issued = new Map<string, Held>();
  for await (const rows of ledger.holders(id)) {
    for (const { user, unit, epoch, seq } of rows) {
      const row = { unit, epoch, seq };
      note(row);
      const tag = userTag(id, user);
      if (!units.confirm(tag, unit)) issued.set(tag, row);
    }
  }
  for (const user of units.unconfirmed()) remembered.set(user.tag, user);
  const unknown = new Set(issued.keys().filter((tag) => !remembered.has(tag)));
  for (const user of units.usersOf(unknown)) remembered.set(user.tag, user);
  return { exceptions, remembered, waiting, issued, retrying, kept, units, freeCount: free.length, seqs };
}

/** The tickets in the streams, without those that `isAgreed` says yes to. */
async function readWaiting(
  { gates }: BookDeps,
  { id, shards }: StoredCampaign,
  isAgreed: (tag: string, ticket: Held) => boolean,
): Promise<Map<string, Held>> {
  const waiting = new Map<string, Held>();
  for (let shard = 0; shard < shards; shard += 1) {
    for await (const entries of gates.entries(id, shard)) {
      for (const entry of entries) {
        const ticket = readEntry(entry);
        if (ticket.kind !== 'ticket') continue;
        const held = { unit: ticket.unit, epoch: ticket.epoch, seq: ticket.ticketSeq };
        const tag = userTag(id, ticket.user);
        if (!isAgreed(tag, held)) waiting.set(tag, held);
      }
    }
  }
  return waiting;
}
