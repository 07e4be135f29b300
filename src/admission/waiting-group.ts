// The clients that wait for tickets of one campaign, in columns: a look goes through all of them ten times a second, reads
// a number of each, and touches only those about which something is to be done.
import { crc32 } from 'node:zlib';
import type { CampaignMemory } from './campaign-memory.ts';
import type { HeldTicket } from './held-tickets.ts';
import { createLines, type Lines, type LinesChange, NOWHERE, type WaitingPlace } from './waiting-lines.ts';

/** What a group knows of one wait besides its columns. */
export interface Grouped {
  held: HeldTicket;
  /** Its row in the columns. */
  row: number;
}

export interface WaitingGroup<W extends Grouped> {
  campaign: string;
  lines: Lines;
  waits: W[];
  /** By the span clock, when something is next to be done about a wait though its gate does not change. */
  dueAt: number[];
  /** By the span clock, from when on another place is a change; never for most. */
  placeFrom: number[];
  /** The version of the places in the lines of which its client knows its own. */
  placeVersions: number[];
  /** Its place in the epoch of the lines; NaN where that is not known. */
  seqs: number[];
  /** Of the tags of their tickets: a number in a column is read at a fraction of what a text somewhere in memory costs. */
  tagHashes: number[];
  /** The row whose place is told next. */
  turn: number;
  /** By the span clock, until when the group need not be looked at. */
  restsUntil: number;
}

export const createWaitingGroup = <W extends Grouped>(campaign: string): WaitingGroup<W> => ({
  campaign,
  lines: createLines(),
  waits: [],
  dueAt: [],
  placeFrom: [],
  placeVersions: [],
  seqs: [],
  tagHashes: [],
  turn: 0,
  restsUntil: 0,
});

const NEVER = Number.POSITIVE_INFINITY;
const UNTOLD = -1;

/** Adds a wait of which nothing is to be done before `dueAt`. */
export function addWait<W extends Grouped>(group: WaitingGroup<W>, wait: W, dueAt: number): void {
  wait.row = group.waits.length;
  group.waits.push(wait);
  group.dueAt.push(dueAt);
  group.placeFrom.push(NEVER);
  group.placeVersions.push(UNTOLD);
  group.seqs.push(NOWHERE.seq);
  group.tagHashes.push(hashOf(wait.held.ticket.tag));
}

/** The last wait takes its row: who goes through the rows from the last to the first misses none. */
export function removeWait<W extends Grouped>(group: WaitingGroup<W>, wait: W): void {
  const { row } = wait;
  const last = group.waits.pop()!;
  for (const column of [group.dueAt, group.placeFrom, group.placeVersions, group.seqs, group.tagHashes])
    fill(column, row);
  if (last === wait) return;
  group.waits[row] = last;
  last.row = row;
}

function fill(column: number[], row: number): void {
  const last = column.pop()!;
  if (row < column.length) column[row] = last;
}

/** Looks at the wait with the next reading, and tells its place, if ever, from `placeFrom` on. */
export function expect<W extends Grouped>(
  group: WaitingGroup<W>,
  { row }: W,
  { standing, placeFrom }: { standing: WaitingPlace; placeFrom: number },
): void {
  group.dueAt[row] = 0;
  group.placeFrom[row] = placeFrom;
  group.placeVersions[row] = UNTOLD;
  group.seqs[row] = standing.epoch === group.lines.epoch ? standing.seq : NOWHERE.seq;
  group.restsUntil = 0;
}

/** The waits that may be over because the work has come so far, or because their tickets were cancelled; a few others, too. */
export function* passed<W extends Grouped>(
  group: WaitingGroup<W>,
  memory: CampaignMemory | undefined,
  change: LinesChange,
): Generator<W> {
  const { waits, seqs, lines } = group;
  const isCancelled = change === 'cancelled' && memory ? cancelledAmong(group, memory.cancelled) : () => false;
  const furthest = Math.max(0, ...lines.watermarks, ...lines.acked);
  for (let row = waits.length - 1; row >= 0; row -= 1) {
    const isBehind = seqs[row]! > furthest;
    if (!isBehind || isCancelled(row)) yield waits[row]!;
  }
}

/** Whether the ticket of a row may be among those that were given back: as many steps as there are fewer of the two. */
function cancelledAmong({ waits, tagHashes }: WaitingGroup<Grouped>, cancelled: ReadonlySet<string>) {
  if (cancelled.size > waits.length) return (row: number): boolean => cancelled.has(waits[row]!.held.ticket.tag);
  const hashes = new Set(Array.from(cancelled, hashOf));
  return (row: number): boolean => hashes.has(tagHashes[row]!);
}

/** Two tags in four billion share it. Signed, so that V8 keeps it as a small integer. */
const hashOf = (tag: string): number => crc32(tag) | 0;

export function* due<W extends Grouped>({ waits, dueAt }: WaitingGroup<W>, now: number): Generator<W> {
  for (let row = waits.length - 1; row >= 0; row -= 1) if (now >= dueAt[row]!) yield waits[row]!;
}

/** Those who have not heard of their place in these lines, each in its turn, once. */
export function* untold<W extends Grouped>(group: WaitingGroup<W>, now: number): Generator<W> {
  const { waits, placeFrom, placeVersions, lines } = group;
  for (let left = waits.length; left > 0; left -= 1) {
    const row = group.turn < waits.length ? group.turn : 0;
    group.turn = row + 1;
    if (now < placeFrom[row]! || placeVersions[row] === lines.placesVersion) continue;
    placeVersions[row] = lines.placesVersion;
    yield waits[row]!;
  }
}

/** By the span clock, when something is next to be done though the gate does not change. */
export function nextDue({ waits, dueAt, placeFrom, placeVersions, lines }: WaitingGroup<Grouped>): number {
  let next = NEVER;
  for (let row = 0; row < waits.length; row += 1) {
    if (dueAt[row]! < next) next = dueAt[row]!;
    if (placeFrom[row]! < next && placeVersions[row] !== lines.placesVersion) next = placeFrom[row]!;
  }
  return next;
}
