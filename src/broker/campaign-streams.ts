// What one worker knows of the work streams of one campaign. Forgetting it loses nothing: its history is read again.
import { backoffMs } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { Batch, Entry } from './port.ts';

/** Of a gate: the epoch in which it gives entries out, and how many of them are not settled. */
export interface OpenGate {
  epoch: number;
  shards: number;
  waitingCount: number;
}

export class CampaignStreams {
  readonly id: string;
  /** Shards with a batch in hand; none of them is read. */
  readonly inHand = new Set<number>();
  /** Shards whose own history has not been read to its end: a reply that was lost left its entries there. */
  readonly unread = new Set<number>();
  epoch = 0;
  shardCount = 0;
  /** By shard, the seq behind which its history begins; undefined until it is known. */
  historyFrom: number[] | undefined;
  /** When entries of silent consumers are looked for next. */
  scanAt: number;
  seenAt = performance.now();
  private readonly claimIdleMs: number;
  private failureCount = 0;
  private restsUntil = 0;

  constructor(id: string, claimIdleMs: number) {
    this.id = id;
    this.claimIdleMs = claimIdleMs;
    this.scanAt = performance.now() + claimIdleMs / 3;
  }

  /** A gate of another epoch may give out again what the one before gave: everything is read from its history on. */
  meet({ epoch, shards }: OpenGate): void {
    if (epoch === this.epoch && shards === this.shardCount) return;
    this.epoch = epoch;
    this.shardCount = shards;
    this.historyFrom = undefined;
    this.readAgain();
  }

  idleShards(): number[] {
    return Array.from({ length: this.shardCount }, (_, shard) => shard).filter((shard) => !this.inHand.has(shard));
  }

  readAgain(): void {
    for (let shard = 0; shard < this.shardCount; shard += 1) this.unread.add(shard);
  }

  /** True once in a while: silent consumers are to be looked for, and own entries whose reply was lost. */
  isScanDue(): boolean {
    if (performance.now() < this.scanAt) return false;
    this.scanAt = performance.now() + this.claimIdleMs / 3;
    this.readAgain();
    return true;
  }

  release({ shard, epoch, entries }: Batch, how: 'settled' | 'unsettled'): void {
    if (how === 'unsettled') this.unread.add(shard);
    else if (this.historyFrom !== undefined && epoch === this.epoch) this.historyFrom[shard] = entries.at(-1)!.seq;
    this.inHand.delete(shard);
  }

  /** After a failure it rests, each time longer, so that others are read meanwhile. */
  fail(): void {
    this.restsUntil = performance.now() + backoffMs(this.failureCount++, limits.backoffMinMs, limits.backoffMaxMs);
    this.readAgain();
  }

  succeed(): void {
    this.failureCount = 0;
  }

  get isResting(): boolean {
    return performance.now() < this.restsUntil;
  }

  /** What a read brought that was sent at `askedAt` by `performance.now()`: it was delivered later, so nobody can claim it earlier. */
  batchOf(shard: number, entries: Entry[], askedAt: number): Batch {
    this.inHand.add(shard);
    const claimableAt = askedAt + this.claimIdleMs;
    return {
      campaign: this.id,
      epoch: this.epoch,
      shard,
      entries,
      mayBeElsewhere: () => performance.now() >= claimableAt,
    };
  }
}
