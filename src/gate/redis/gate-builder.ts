// Opens gates that Redis may have forgotten: verified in place, or built again from what the ledger knows. Every
// write names its epoch and its builder, so that of two builders the later one wins, whoever is slower.
import type { Campaign } from '../../domain/campaign.ts';
import { type EpochStart, formatEpochs, parseEpochs } from '../../domain/epochs.ts';
import { bucketOf } from '../../domain/ids.ts';
import { packPlace, type RestoredPlace } from '../../domain/place.ts';
import { isEntryId, SEQ_MAX, seqOf } from '../../domain/shard.ts';
import type { Exceptional } from '../../domain/ticket-state.ts';
import { type RedisClient, redisFault, rethrow } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { type Lease, type LeaseSpans, takeLease } from '../../redis/lease.ts';
import { loadScript, runScript, type Script } from '../../redis/scripts.ts';
import { pairs } from './entry-fields.ts';
import { createGate, settingsOfGate } from './gate.ts';
import { encodeOutcome } from './outcome-text.ts';

/**
 * `verified` may sell; `unverified` since its server started; `damaged` must be built anew; `missing` is lost; `alone` is one
 * of the three, on a server without the replicas it must have: it may have been replaced, so nobody acts on what it says.
 */
export type GateState = 'verified' | 'unverified' | 'damaged' | 'missing' | 'alone';

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

/** What is in a campaign's work streams. */
export interface StreamFacts {
  /** Entries by shard. */
  lengths: number[];
  /** The highest seq that any stream ever had, strangers' left out. */
  lastSeq: number;
}

const state = loadScript('gate-state');
const promote = loadScript('promote');
const begin = loadScript('rebuild-begin');
const resume = loadScript('rebuild-resume');
const forget = loadScript('rebuild-forget');
const add = loadScript('rebuild-add');
const drop = loadScript('rebuild-drop');
const finish = loadScript('rebuild-finish');

const BUCKETS_PER_CALL = 500;
const ENTRIES_PER_READ = 1_000;

export type GateBuilder = ReturnType<typeof createGateBuilder>;

/**
 * A server that has fewer than `replicasMin` is not believed when it says that a gate needs to be opened. All methods throw a
 * Fault; `stale-epoch` when somebody else has begun later.
 */
export function createGateBuilder(redis: RedisClient, replicasMin: number) {
  const gate = createGate(redis);
  const run = (script: Script, scriptKeys: string[], args: (string | number | Buffer)[]): Promise<unknown> =>
    runScript(redis, script, scriptKeys, args).catch(rethrow);
  async function forgetUsers({ id, buckets }: Pick<Campaign, 'id' | 'buckets'>, { epoch, builder }: Build) {
    for (let from = 0; from < buckets; from += BUCKETS_PER_CALL) {
      const count = Math.min(BUCKETS_PER_CALL, buckets - from);
      const users = Array.from({ length: count }, (_, index) => keys.users(id, from + index));
      await run(forget, [keys.gate(id), ...users], [epoch, builder]);
    }
  }
  /** With the run id of the server that has the gate. */
  async function stateOn(campaign: Pick<Campaign, 'id' | 'epoch' | 'shards'>) {
    const names = [keys.gate(campaign.id), ...keys.works(campaign)];
    const [found, server] = (await run(state, names, [campaign.epoch, replicasMin])) as [GateState, string];
    return { state: found, server };
  }
  return {
    /** `epoch`: that of the ledger. */
    state: async (campaign: Pick<Campaign, 'id' | 'epoch' | 'shards'>): Promise<GateState> =>
      (await stateOn(campaign)).state,
    stateOn,
    /** Brings an open gate to the version of the campaign. */
    project: (campaign: Campaign) => gate.project(campaign, false),

    /** The lease of the one builder of this gate; undefined while another builder works. Its token is the fence. */
    lease: (campaign: string, holder: string, spans?: LeaseSpans): Promise<Lease | undefined> =>
      takeLease(redis, keys.recovery(campaign), holder, spans),
    /** True when it is this worker's turn to compare the stores; for `ms` it is nobody else's. */
    async takeTurn(campaign: string, holder: string, ms: number): Promise<boolean> {
      return (await redis.set(keys.reconciliation(campaign), holder, 'PX', ms, 'NX').catch(rethrow)) === 'OK';
    },

    /**
     * Opens a gate that was found whole on `server`, with the settings of the ledger; returns the last seq before its new
     * epoch. A `stale-epoch` Fault when the server was started again since.
     */
    promote: async (campaign: Campaign, to: number, server: string) =>
      (await run(
        promote,
        [keys.gate(campaign.id)],
        [campaign.epoch, to, server, campaign.version, ...settingsOfGate(campaign)],
      )) as number,

    /** Closes the gate under the epoch and empties it; its streams stay. */
    async begin(
      campaign: Pick<Campaign, 'id' | 'buckets'>,
      build: Build,
      epochs: readonly EpochStart[],
    ): Promise<void> {
      const { id } = campaign;
      const names = [keys.gate(id), keys.exceptions(id), keys.free(id), keys.cancelled(id), keys.recovery(id)];
      await run(begin, names, [build.epoch, build.builder, formatEpochs(epochs)]);
      await forgetUsers(campaign, build);
    },
    /** Takes over a rebuild of this epoch that was begun and not finished; undefined when there is none to go on with. */
    async resume(campaign: Pick<Campaign, 'id' | 'buckets'>, build: Build): Promise<LeftBuild | undefined> {
      const { id } = campaign;
      const names = [keys.gate(id), keys.free(id), keys.recovery(id)];
      const left = (await run(resume, names, [build.epoch, build.builder])) as [string, string] | null;
      if (left === null) return undefined;
      const unit = Number(left[0]);
      // The builder before may have died before it had forgotten all users.
      if (unit === 0) await forgetUsers(campaign, build);
      return { unit, epochs: parseEpochs(left[1]) };
    },
    /** Nobody goes on with a rebuild that was begun; the next builder begins again. */
    async abandon(campaign: string): Promise<void> {
      await redis.hdel(keys.gate(campaign), 'built_run_id').catch(rethrow);
    },
    async add({ id, buckets }: Campaign, { epoch, builder }: Build, addition: Addition): Promise<void> {
      const { users = [], freeUnits = [], upToUnit = 0 } = addition;
      const scriptKeys = [keys.gate(id), keys.exceptions(id), keys.free(id)];
      const args: (string | number | Buffer)[] = [epoch, builder, upToUnit, users.length];
      for (const { tag, place, outcome } of users) {
        scriptKeys.push(keys.users(id, bucketOf(tag, buckets)));
        args.push(tag, packPlace(place), outcome ? encodeOutcome(outcome) : '');
      }
      await run(add, scriptKeys, [...args, ...freeUnits]);
    },
    /** Deletes entries that must not be delivered again. */
    async drop(campaign: string, { epoch, builder }: Build, shard: number, ids: readonly string[]): Promise<void> {
      await run(drop, [keys.gate(campaign), keys.work(campaign, shard)], [epoch, builder, GROUP, ...ids]);
    },
    /** Opens it; for `graceMs` only holders of lost tickets are admitted. Returns how many entries are delivered again. */
    async finish(
      campaign: Campaign,
      { epoch, builder }: Build,
      counts: GateCounts,
      epochs: readonly EpochStart[],
      graceMs: number,
    ): Promise<number> {
      const scriptKeys = [keys.gate(campaign.id), ...keys.works(campaign)];
      const { seq, nextUnit, retryingCount, cancelledCount } = counts;
      const counted = [seq, nextUnit, retryingCount, cancelledCount];
      const fixed = [epoch, builder, GROUP, ...counted, formatEpochs(epochs), graceMs, campaign.shards];
      return (await run(finish, scriptKeys, [...fixed, ...settingsOfGate(campaign)])) as number;
    },

    async streamFacts(campaign: Pick<Campaign, 'id' | 'shards'>): Promise<StreamFacts> {
      const pipeline = redis.pipeline();
      for (const work of keys.works(campaign)) pipeline.xinfo('STREAM', work);
      const replies = (await pipeline.exec().catch(rethrow))!;
      const lengths: number[] = [];
      let lastSeq = 0;
      for (const [error, info] of replies) {
        const fields = error === null ? (info as (string | number)[]) : [];
        if (error !== null && !String(error).includes('no such key')) throw redisFault(error);
        lengths.push(Number(fields[fields.indexOf('length') + 1] ?? 0));
        // A stream that never had an entry has the id 0-0.
        const seq = seqOf(String(fields[fields.indexOf('last-generated-id') + 1] ?? '0-0'));
        if (seq <= SEQ_MAX) lastSeq = Math.max(lastSeq, seq);
      }
      return { lengths, lastSeq };
    },
    /** All entries of a shard, as their writer left them: nothing in them is believed yet. `onForeign` hears of ids no gate gives. */
    async *entries(
      campaign: string,
      shard: number,
      onForeign: (ids: string[]) => void = () => undefined,
    ): AsyncIterable<{ seq: number; fields: Record<string, string> }[]> {
      let from = '-';
      for (;;) {
        const found = await redis
          .xrange(keys.work(campaign, shard), from, '+', 'COUNT', ENTRIES_PER_READ)
          .catch(rethrow);
        const last = found.at(-1);
        if (last === undefined) return;
        const foreign = found.filter(([id]) => !isEntryId(id)).map(([id]) => id);
        if (foreign.length > 0) onForeign(foreign);
        yield found.filter(([id]) => isEntryId(id)).map(([id, flat]) => ({ seq: seqOf(id), fields: pairs(flat) }));
        from = `(${last[0]}`;
      }
    },
  };
}
