// Entries that wait although the group is past their records: of a topic that lost some, of a partition that a worker skipped,
// of a worker that read the streams itself and died. They are carried again.
//
// An entry is lost once it has been pending and untouched since before the end of its partition was noted, and the group has
// committed that end. While the group is behind, an entry that waits for long is only waiting.
import { isFault } from '../../domain/fault.ts';
import { partitionOf, type SendBlocks } from './record.ts';

export interface ShardOfGate {
  campaign: string;
  epoch: number;
  shard: number;
}

export interface LostEntriesDeps {
  /** Shards with entries that nobody has touched for `idleMs`. */
  idleShards: (idleMs: number) => Promise<ShardOfGate[]>;
  /** Those entries of one shard, some of them, in the hands of the relay from now on. */
  takeIdle: (of: ShardOfGate, idleMs: number) => Promise<{ seq: number; fields: Readonly<Record<string, string>> }[]>;
  /** By partition, the offset behind its last record. */
  ends: () => Promise<bigint[]>;
  /** By partition, the offset that the group has committed; 0 for none. */
  committed: () => Promise<bigint[]>;
  send: SendBlocks;
  /** Takes how many entries were carried again. */
  onLost: (count: number) => void;
  /** Untouched for this long is silent. */
  claimIdleMs: number;
}

interface Suspect {
  of: ShardOfGate;
  partition: number;
  /** Of its partition, when it was noted. */
  end: bigint;
  notedAt: number;
}

export class LostEntries {
  private readonly deps: LostEntriesDeps;
  private readonly suspects = new Map<string, Suspect>();

  constructor(deps: LostEntriesDeps) {
    this.deps = deps;
  }

  /** One look; to be called about as often as `claimIdleMs`. Throws what the stores say. */
  async look(): Promise<void> {
    const { deps, suspects } = this;
    const committed = await deps.committed();
    for (const [name, suspect] of suspects) {
      if ((committed[suspect.partition] ?? 0n) < suspect.end) continue;
      await this.carryAgain(suspect);
      suspects.delete(name);
    }
    const idle = await deps.idleShards(deps.claimIdleMs);
    const names = new Set(idle.map(nameOf));
    for (const name of suspects.keys()) if (!names.has(name)) suspects.delete(name);
    const fresh = idle.filter((of) => !suspects.has(nameOf(of)));
    if (fresh.length === 0) return;
    const notedAt = performance.now();
    const ends = await deps.ends();
    for (const of of fresh) {
      const partition = partitionOf(of.campaign, of.shard, ends.length);
      suspects.set(nameOf(of), { of, partition, end: ends[partition]!, notedAt });
    }
  }

  private async carryAgain({ of, notedAt }: Suspect): Promise<void> {
    const { takeIdle, send, onLost, claimIdleMs } = this.deps;
    // What was touched since the end was noted may have its record behind it.
    const idleMs = claimIdleMs + performance.now() - notedAt;
    try {
      const entries = await takeIdle(of, Math.ceil(idleMs));
      if (entries.length === 0) return;
      await send([{ ...of, entries }]);
      onLost(entries.length);
    } catch (error) {
      if (!isFault(error, 'stale-epoch') && !isFault(error, 'gate-missing')) throw error;
    }
  }
}

const nameOf = ({ campaign, epoch, shard }: ShardOfGate): string => `${campaign}/${epoch}/${shard}`;
