// What a front remembers of one campaign's gate: its settings, its counters, and how far the work has come.
import type { CampaignState } from './campaign.ts';
import type { CampaignSettings } from './campaign-settings.ts';
import type { MeasuredClock } from './clock.ts';
import type { EpochStart } from './epochs.ts';
import { seqsBetween, shardOf } from './shard.ts';

export interface GateView extends CampaignSettings {
  id: string;
  epoch: number;
  /** Where each epoch began; the oldest first. */
  epochs: EpochStart[];
  version: number;
  state: CampaignState;
  /** Epoch ms by Redis's clock until which only holders of lost tickets are admitted; 0 when it was never rebuilt. */
  recoveringUntil: number;
  buckets: number;
  /** Last seq given out: how many were admitted. */
  seq: number;
  /** Units that can still be had. */
  remaining: number;
  /** Entries settled, over all shards. */
  settledCount: number;
  retryingCount: number;
  /** How often a ticket was cancelled: when it grows, somebody's answer in memory is out of date. */
  cancelledCount: number;
  /** By shard: every seq up to it is settled. */
  watermarks: number[];
  /** By shard: the highest seq settled; between the two lies the window being worked on. */
  acked: number[];
  /** When it was read, by the span clock of this process. */
  readAt: number;
  /** The clock of the gate's server, measured with this reading. */
  clock: MeasuredClock;
}

/** Epoch ms by the clock of the gate's server, `now` being the span clock of this process. */
export const gateTime = ({ clock }: Pick<GateView, 'clock'>, now: number): number => now + clock.aheadMs;

/** The most that {@link gateTime} may be wrong, ms: half the round trip, and what the clocks may drift since (`driftShare`). */
export const gateTimeErrorMs = (
  { clock, readAt }: Pick<GateView, 'clock' | 'readAt'>,
  now: number,
  driftShare: number,
) => clock.doubtMs + Math.max(0, now - readAt) * driftShare;

export const backlogOf = (view: GateView): number => view.seq - view.settledCount;

/** Where a ticket stands: `waiting` needs no question, `worked-on` and `settled` need one for the outcome. */
export function placeOf(view: GateView, seq: number): 'waiting' | 'worked-on' | 'settled' {
  const shard = shardOf(seq, view.shards);
  if (seq <= (view.watermarks[shard] ?? 0)) return 'settled';
  return seq <= (view.acked[shard] ?? 0) || seq > view.seq ? 'worked-on' : 'waiting';
}

/** How many tickets before `seq` are not settled yet, by arithmetic over the watermarks. */
export function aheadOf(view: GateView, seq: number): number {
  let ahead = 0;
  for (let shard = 0; shard < view.shards; shard += 1) {
    ahead += seqsBetween(shard, view.shards, Math.max(0, view.watermarks[shard] ?? 0), seq);
  }
  return ahead;
}
