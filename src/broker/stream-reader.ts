// Reads work streams of several campaigns at once, as one consumer of the gates' group.
import { type Fault, isFault } from '../domain/fault.ts';
import { seqOf } from '../domain/shard.ts';
import { ensureGroups } from '../gate/redis/work-groups.ts';
import type { RedisClient } from '../redis/connection.ts';
import { GROUP, keys } from '../redis/keys.ts';
import { type Read, readAll } from '../redis/reads.ts';
import type { CampaignStreams } from './campaign-streams.ts';
import { readOpenGates } from './lines.ts';
import type { Batch, Entry } from './port.ts';
import { type RawEntry, type RawStreams, readReply } from './stream-reply.ts';

export interface StreamReaderDeps {
  /** For everything that answers at once. */
  redis: RedisClient;
  /** The consumer's name. One live consumer per name; one that is restarted takes up its own entries first. */
  name: string;
  batchMax: number;
  /** A consumer silent for this long has its entries claimed; longer than the worst batch. */
  claimIdleMs: number;
  /**
   * Of a relay: it keeps the entries that it has released as settled pending, so its history begins behind the seqs that
   * this tells by shard, and it claims nothing. Not given, a history begins with the first pending entry.
   */
  carriedTo?: ((gate: { campaign: string; epoch: number; shards: number }) => Promise<number[]>) | undefined;
  /** Takes entries that were trimmed while pending: their content is gone from Redis. */
  onVanished: (campaign: string, seqs: number[]) => void;
  /** Takes entries whose ids no gate gives: somebody else wrote them, and they are taken off the stream. */
  onForeign: (campaign: string, ids: string[]) => void;
}

/** What is to be read of one campaign. */
export interface Chosen {
  streams: CampaignStreams;
  shards: readonly number[];
}

export interface Reading {
  batches: Batch[];
  /** Campaigns of which nothing, or not all, could be read. */
  failed: { streams: CampaignStreams; fault: Fault }[];
  /** The replies to what was read beside the streams, a Fault in place of one that failed. */
  beside: unknown[];
}

export class StreamReader {
  private readonly deps: StreamReaderDeps;
  /** Sends nothing a second time: a reply that was lost has to be known, its entries are in the history. */
  private readonly connection: RedisClient;

  constructor(deps: StreamReaderDeps, connection: RedisClient) {
    this.deps = deps;
    this.connection = connection;
  }

  /** A batch of each shard that has one, and then, in the same round trip, `beside`. Never rejects. */
  async read(chosen: readonly Chosen[], beside: readonly Read[]): Promise<Reading> {
    const reading: Reading = { batches: [], failed: [], beside: [] };
    const scanned = chosen.filter(({ streams }) => streams.isScanDue());
    if (this.deps.carriedTo === undefined) await Promise.all(scanned.map((one) => this.claimSilent(one, reading)));
    const ready = await this.findHistories(chosen, reading);
    // What was claimed is in hand. Nothing else waits for it: where turns are rare, every one of them may have a scan.
    const left = ready.map(({ streams, shards }) => ({
      streams,
      shards: shards.filter((shard) => !streams.inHand.has(shard)),
    }));
    const without = await this.readStreams(left, beside, reading);
    if (without.length === 0) return reading;
    const made = await Promise.all(without.map((one) => this.makeGroups(one, reading)));
    const still = await this.readStreams(made.flat(), [], reading);
    for (const { streams } of still) streams.readAgain();
    return reading;
  }

  /** Returns the campaigns that have streams without their group. */
  private async readStreams(chosen: readonly Chosen[], beside: readonly Read[], into: Reading): Promise<Chosen[]> {
    const askedAt = performance.now();
    const asked = chosen.map(({ streams, shards }) => {
      // New entries are asked for as well where the history has not been read: it is nearly always empty.
      const unread = shards.filter((shard) => streams.unread.has(shard));
      return { unread, reads: [this.readOf(streams, unread, 'history'), this.readOf(streams, shards, 'new')] };
    });
    const reads = asked.flatMap((one) => one.reads.filter((read) => read !== undefined));
    if (reads.length + beside.length === 0) return [];
    const replies = (await readAll(this.connection, [...reads, ...beside])).values();
    const without: Chosen[] = [];
    for (const [index, one] of chosen.entries()) {
      const [history, fresh] = asked[index]!.reads.map((read) => read && replies.next().value);
      const fault = [history, fresh].find((reply) => isFault(reply));
      if (fault === undefined) await this.handOut(one, asked[index]!.unread, history, fresh, askedAt, into);
      else if (/NOGROUP|UNBLOCKED/.test(fault.message)) without.push(one);
      else into.failed.push({ streams: one.streams, fault });
    }
    into.beside.push(...replies);
    return without;
  }

  private readOf(streams: CampaignStreams, shards: readonly number[], what: 'history' | 'new'): Read | undefined {
    if (shards.length === 0) return undefined;
    const { name, batchMax } = this.deps;
    const works = shards.map((shard) => keys.work(streams.id, shard));
    const from = shards.map((shard) => (what === 'new' ? '>' : (streams.historyFrom?.[shard] ?? 0)));
    return ['xreadgroup', 'GROUP', GROUP, name, 'COUNT', batchMax, 'STREAMS', ...works, ...from];
  }

  /** Those whose histories begin at a known seq. */
  private async findHistories(chosen: readonly Chosen[], into: Reading): Promise<readonly Chosen[]> {
    const { carriedTo } = this.deps;
    if (carriedTo === undefined) return chosen;
    const found = chosen.map(async (one) => {
      const { id: campaign, epoch, shardCount: shards } = one.streams;
      try {
        one.streams.historyFrom ??= await carriedTo({ campaign, epoch, shards });
        return [one];
      } catch (error) {
        into.failed.push({ streams: one.streams, fault: error as Fault });
        return [];
      }
    });
    return (await Promise.all(found)).flat();
  }

  private async handOut(
    { streams, shards }: Chosen,
    unread: readonly number[],
    history: unknown,
    fresh: unknown,
    askedAt: number,
    into: Reading,
  ): Promise<void> {
    const own = await this.entriesOf(streams, unread, history);
    const others = await this.entriesOf(streams, shards, fresh);
    for (const shard of shards) {
      // What was given out behind a history is a part of it from now on: it comes when this is settled.
      if (!own.has(shard)) streams.unread.delete(shard);
      const entries = own.get(shard) ?? others.get(shard);
      if (entries !== undefined) into.batches.push(streams.batchOf(shard, entries, askedAt));
    }
  }

  private async entriesOf({ id }: CampaignStreams, shards: readonly number[], reply: unknown) {
    const found = new Map<number, Entry[]>();
    const works = shards.map((shard) => keys.work(id, shard));
    for (const { index, entries, foreignIds } of readReply((reply ?? null) as RawStreams | null, works)) {
      await this.dropForeign(id, works[index]!, foreignIds);
      if (entries.length > 0) found.set(shards[index]!, entries);
    }
    return found;
  }

  /** Each shard by itself: one that cannot be claimed from does not hold back what was claimed from another. */
  private async claimSilent({ streams, shards }: Chosen, into: Reading): Promise<void> {
    const { name, claimIdleMs, batchMax, onVanished } = this.deps;
    const askedAt = performance.now();
    const replies = await readAll(
      this.connection,
      shards.map((shard) => {
        return ['xautoclaim', keys.work(streams.id, shard), GROUP, name, claimIdleMs, '0-0', 'COUNT', batchMax];
      }),
    );
    for (const [at, shard] of shards.entries()) {
      const reply = replies[at];
      if (isFault(reply)) {
        if (!reply.message.includes('NOGROUP')) into.failed.push({ streams, fault: reply });
        continue;
      }
      const [, entries, vanished] = reply as [string, RawEntry[], string[]?];
      if (vanished && vanished.length > 0) onVanished(streams.id, vanished.map(seqOf));
      const own = await this.entriesOf(streams, [shard], [[keys.work(streams.id, shard), entries]]);
      for (const claimed of own.values()) into.batches.push(streams.batchOf(shard, claimed, askedAt));
    }
  }

  private async makeGroups(one: Chosen, into: Reading): Promise<Chosen[]> {
    const { streams } = one;
    streams.readAgain();
    try {
      // What was known of its gate may be old, and nobody would delete the streams of a gate that is gone.
      const gate = (await readOpenGates(this.deps.redis, [streams.id])).get(streams.id);
      if (isFault(gate)) throw gate;
      if (gate?.epoch !== streams.epoch) return [];
      await ensureGroups(this.deps.redis, streams.id, streams.shardCount);
      return [one];
    } catch (error) {
      into.failed.push({ streams, fault: error as Fault });
      return [];
    }
  }

  /** Acked by their own ids: settling knows only seqs, and would leave them pending below the watermark. */
  private async dropForeign(campaign: string, work: string, ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    this.deps.onForeign(campaign, ids);
    // What fails here is found again: it is pending, or still in the stream.
    await this.deps.redis
      .multi()
      .xack(work, GROUP, ...ids)
      .xdel(work, ...ids)
      .exec()
      .catch(() => undefined);
  }
}
