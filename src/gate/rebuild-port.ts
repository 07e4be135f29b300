// Building a gate from what others know: a part of what `port.ts` says.
import type { Campaign } from '../domain/campaign.ts';
import type { EpochStart } from '../domain/epochs.ts';
import type { RestoredPlace } from '../domain/place.ts';
import type { Exceptional } from '../domain/ticket-state.ts';

/** A user whom a rebuilt gate knows from the start. */
export interface KnownUser {
  tag: string;
  place: RestoredPlace;
  /** What became of the ticket, where it was not issued as its place says. */
  outcome?: Exceptional;
}

/** What every write of a rebuild names: a gate takes writes from one builder at a time, and from none once its server restarted. */
export interface Build {
  epoch: number;
  /** The token of the builder's lease. */
  builder: string;
}

/** A rebuild that another builder left: rows up to `unit` are in the gate. */
export interface LeftBuild {
  unit: number;
  /** Where each earlier epoch began. */
  epochs: EpochStart[];
}

/** Users and units to add; `upToUnit` says that all rows up to it are in the gate with these. */
export interface Addition {
  users?: readonly KnownUser[];
  freeUnits?: readonly number[];
  upToUnit?: number;
}

export interface GateCounts {
  seq: number;
  nextUnit: number;
  retryingCount: number;
  cancelledCount: number;
}

/** Building a gate from what others know. `stale-epoch` when somebody else has begun later. */
export interface GateRebuild {
  /**
   * Closes a gate that is to be rebuilt, with all that is in it. True where that was true until now: the gate is of this
   * epoch, and was verified since its server was started.
   */
  close(campaign: Pick<Campaign, 'id' | 'epoch'>, builder: string): Promise<boolean>;
  /** Closes the gate under the epoch and empties it; its streams stay. */
  begin(campaign: Pick<Campaign, 'id' | 'buckets'>, build: Build, epochs: readonly EpochStart[]): Promise<void>;
  /** Takes over a rebuild of this epoch that was begun and not finished; undefined when there is none to go on with. */
  resume(campaign: Pick<Campaign, 'id' | 'buckets'>, build: Build): Promise<LeftBuild | undefined>;
  /** Nobody goes on with a rebuild that was begun; the next builder begins again. */
  abandon(campaign: string): Promise<void>;
  add(campaign: Campaign, build: Build, addition: Addition): Promise<void>;
  /** Deletes entries that must not be delivered again. */
  drop(campaign: string, build: Build, shard: number, ids: readonly string[]): Promise<void>;
  /** Opens it; for `graceMs` only holders of lost tickets are admitted. Returns how many entries are delivered again. */
  finish(
    campaign: Campaign,
    build: Build,
    counts: GateCounts,
    epochs: readonly EpochStart[],
    graceMs: number,
  ): Promise<number>;
}
