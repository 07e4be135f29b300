// The lines behind which tickets of a campaign wait, by shard, and whether anything of them has changed: most readings say
// what the one before said, and a ticket's place among them is worked out once.
import type { GateView } from '../domain/gate-view.ts';
import { shardOf } from '../domain/shard.ts';
import type { CampaignMemory } from './campaign-memory.ts';
import { type HeldTicket, isWaiting, standingOf } from './held-tickets.ts';

export interface Lines {
  /** Grows whenever places may have moved: a ticket that is settled out of turn moves none. */
  placesVersion: number;
  /** Undefined while nothing is known of the gate. */
  epoch: number | undefined;
  /** Last seq given out. */
  seq: number;
  /** By shard: up to it tickets are settled, and up to the other they are settled or being worked on. */
  watermarks: readonly number[];
  acked: readonly number[];
  cancelledCount: number;
  cancelledSize: number;
}

/** Where a ticket stands in an epoch; in none where that is not known. */
export interface WaitingPlace {
  epoch: number;
  seq: number;
  shard: number;
}

export const NOWHERE: WaitingPlace = { epoch: Number.NaN, seq: Number.NaN, shard: 0 };

export const createLines = (): Lines => ({
  placesVersion: 0,
  epoch: undefined,
  seq: 0,
  watermarks: [],
  acked: [],
  cancelledCount: 0,
  cancelledSize: 0,
});

export function waitingPlace(held: HeldTicket, view: GateView | undefined): WaitingPlace {
  const seq = view && standingOf(held, view);
  return seq === undefined ? NOWHERE : { epoch: view!.epoch, seq, shard: shardOf(seq, view!.shards) };
}

/**
 * What may have ended the waiting of tickets: work that has come further, also tickets that were cancelled, or a gate that
 * was rebuilt, lost, or found.
 */
export type LinesChange = 'none' | 'progress' | 'cancelled' | 'other-gate';

/** Takes over what memory says now. That more tickets were given out changes nothing for those that wait. */
export function takeLines(lines: Lines, memory: CampaignMemory | undefined): LinesChange {
  const { view, cancelled, cancelledCount = 0 } = memory ?? {};
  const change = changeOf(lines, memory);
  lines.seq = view?.seq ?? 0;
  if (change === 'none') return change;
  if (change === 'other-gate' || !areSame(view!.watermarks, lines.watermarks)) lines.placesVersion += 1;
  lines.epoch = view?.epoch;
  lines.watermarks = view?.watermarks ?? [];
  lines.acked = view?.acked ?? [];
  lines.cancelledCount = cancelledCount;
  lines.cancelledSize = cancelled?.size ?? 0;
  return change;
}

function changeOf(lines: Lines, memory: CampaignMemory | undefined): LinesChange {
  if (memory === undefined) return lines.epoch === undefined ? 'none' : 'other-gate';
  const { view, cancelled, cancelledCount } = memory;
  if (view.epoch !== lines.epoch || view.seq < lines.seq) return 'other-gate';
  if (cancelledCount !== lines.cancelledCount || cancelled.size !== lines.cancelledSize) return 'cancelled';
  return areSame(view.watermarks, lines.watermarks) && areSame(view.acked, lines.acked) ? 'none' : 'progress';
}

/** A gate that has not changed keeps its view, and that its arrays: thousands of them are compared a second. */
const areSame = (some: readonly number[], others: readonly number[]): boolean =>
  some === others || (some.length === others.length && some.every((value, n) => value === others[n]));

/** As `isWaiting` says, from numbers at hand. */
export function isWaitingBy(
  { epoch, seq: last, watermarks, acked }: Lines,
  { held, standing }: { held: HeldTicket; standing: WaitingPlace },
  memory: CampaignMemory,
): boolean {
  const { seq, shard } = standing;
  // Somebody else may have asked where it stands in the new epoch.
  if (standing.epoch !== epoch) return isWaiting(held, memory);
  const isQueued = seq > 0 && seq <= last && seq > (watermarks[shard] ?? 0) && seq > (acked[shard] ?? 0);
  return isQueued && (memory.cancelled.size === 0 || !memory.cancelled.has(held.ticket.tag));
}
