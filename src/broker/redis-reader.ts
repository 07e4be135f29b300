// Reads the work streams of one campaign, as one consumer of the gate's group.
import { seqOf } from '../domain/shard.ts';
import { ensureGroups } from '../gate/redis/work-groups.ts';
import { type RedisClient, redisFault, untilReady } from '../redis/connection.ts';
import { GROUP, keys } from '../redis/keys.ts';
import type { CarriedCampaign } from './campaigns-with-work.ts';
import type { Batch, Entry } from './port.ts';
import { type RawEntry, type RawStreams, readReply } from './stream-reply.ts';

export interface RedisReaderDeps {
  /** For everything that answers at once. */
  redis: RedisClient;
  /** Opens the connection of one blocking reader; the reader closes it. */
  openReader: (name: string) => RedisClient;
  /** The consumer's name. One live consumer per name; one that is restarted takes up its own entries first. */
  name: string;
  batchMax: number;
  /** A consumer silent for this long has its entries claimed; longer than the worst batch. */
  claimIdleMs: number;
  /** Takes entries that were trimmed while pending: their content is gone from Redis. */
  onVanished: (campaign: string, seqs: number[]) => void;
  /** Takes entries whose ids no gate gives: somebody else wrote them, and they are taken off the stream. */
  onForeign: (campaign: string, ids: string[]) => void;
}

/** While other shards are in hand, waiting for the idle ones must not outlast the busy ones. */
const BUSY_WAIT_MS = 20;

/** Throws a Fault when Redis is out of reach, or has no memory left for a group. */
export async function openRedisReader(deps: RedisReaderDeps, campaign: CarriedCampaign): Promise<RedisReader> {
  await ensureGroups(deps.redis, campaign.id, campaign.shards);
  const connection = deps.openReader(`${deps.name}:${campaign.id}`);
  await untilReady(connection, deps.claimIdleMs).catch((error: unknown) => {
    connection.disconnect();
    throw error;
  });
  return new RedisReader(deps, connection, campaign);
}

export class RedisReader {
  private readonly deps: RedisReaderDeps;
  private readonly connection: RedisClient;
  private readonly campaign: CarriedCampaign;
  private readonly shards: readonly number[];
  private readonly inHand = new Set<number>();
  /** Shards whose own history has not been read to its end: a reply that was lost left its entries there. */
  private readonly unread: Set<number>;
  private freed = Promise.withResolvers<void>();
  private scanAt: number;

  constructor(deps: RedisReaderDeps, connection: RedisClient, campaign: CarriedCampaign) {
    this.deps = deps;
    this.connection = connection;
    this.campaign = campaign;
    this.shards = Array.from({ length: campaign.shards }, (_, shard) => shard);
    this.unread = new Set(this.shards);
    this.scanAt = performance.now() + deps.claimIdleMs / 3;
  }

  /** Up to one batch for each shard that has none in hand; waits for a shard while all have one. Throws a Fault. */
  async receive(waitMs: number): Promise<Batch[]> {
    try {
      const batches = await this.find(waitMs);
      // Only what is handed out is in hand: a claim that failed half-way is read again from the history.
      for (const { shard } of batches) this.inHand.add(shard);
      return batches;
    } catch (error) {
      this.readAgain();
      if (String(error).includes('NOGROUP') || String(error).includes('UNBLOCKED')) {
        await ensureGroups(this.deps.redis, this.campaign.id, this.campaign.shards);
        return [];
      }
      throw redisFault(error);
    }
  }

  release({ shard }: Batch, how: 'settled' | 'unsettled'): void {
    if (how === 'unsettled') this.unread.add(shard);
    this.inHand.delete(shard);
    this.wake();
  }

  /** Ends a wait for a shard. */
  wake(): void {
    this.freed.resolve();
    this.freed = Promise.withResolvers();
  }

  async untilEmptyHanded(): Promise<void> {
    while (this.inHand.size > 0) await this.freed.promise;
  }

  close(): void {
    this.connection.disconnect();
  }

  private async find(waitMs: number): Promise<Batch[]> {
    const history = await this.readHistory();
    if (history.length > 0) return history;
    if (performance.now() >= this.scanAt) {
      this.scanAt = performance.now() + this.deps.claimIdleMs / 3;
      for (const shard of this.idleShards()) this.unread.add(shard);
      const claimed = await this.claimSilent();
      if (claimed.length > 0) return claimed;
    }
    const idle = this.idleShards();
    if (idle.length > 0) return this.read('>', idle, this.inHand.size > 0 ? Math.min(BUSY_WAIT_MS, waitMs) : waitMs);
    await this.freed.promise;
    return [];
  }

  private idleShards(): number[] {
    return this.shards.filter((shard) => !this.inHand.has(shard));
  }

  private readAgain(): void {
    for (const shard of this.shards) this.unread.add(shard);
  }

  private async read(from: '>' | '0', among: number[], blockMs?: number): Promise<Batch[]> {
    const { name, batchMax } = this.deps;
    const wait = blockMs === undefined ? [] : ['BLOCK', blockMs];
    const streams = among.map((shard) => keys.work(this.campaign.id, shard));
    const args = ['GROUP', GROUP, name, 'COUNT', batchMax, ...wait, 'STREAMS', ...streams, ...among.map(() => from)];
    const askedAt = performance.now();
    const reply = (await this.connection.call('XREADGROUP', args)) as RawStreams | null;
    const batches: Batch[] = [];
    for (const found of readReply(reply, streams)) {
      await this.dropForeign(streams[found.index]!, found.foreignIds);
      batches.push(...this.batchOf(among[found.index]!, found.entries, askedAt));
    }
    return batches;
  }

  private async readHistory(): Promise<Batch[]> {
    const among = this.idleShards().filter((shard) => this.unread.has(shard));
    if (among.length === 0) return [];
    const batches = await this.read('0', among);
    const found = new Set(batches.map((batch) => batch.shard));
    for (const shard of among) if (!found.has(shard)) this.unread.delete(shard);
    return batches;
  }

  private async claimSilent(): Promise<Batch[]> {
    const { redis, name, claimIdleMs, batchMax, onVanished } = this.deps;
    const claimed: Batch[] = [];
    for (const shard of this.idleShards()) {
      const work = keys.work(this.campaign.id, shard);
      const askedAt = performance.now();
      const reply = await redis.xautoclaim(work, GROUP, name, claimIdleMs, '0-0', 'COUNT', batchMax);
      const [, entries, vanished] = reply as [string, RawEntry[], string[]?];
      if (vanished && vanished.length > 0) onVanished(this.campaign.id, vanished.map(seqOf));
      for (const found of readReply([[work, entries]], [work])) {
        await this.dropForeign(work, found.foreignIds);
        claimed.push(...this.batchOf(shard, found.entries, askedAt));
      }
    }
    return claimed;
  }

  /** Acked by their own ids: settling knows only seqs, and would leave them pending below the watermark. */
  private async dropForeign(work: string, ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    this.deps.onForeign(this.campaign.id, ids);
    await this.deps.redis
      .multi()
      .xack(work, GROUP, ...ids)
      .xdel(work, ...ids)
      .exec();
  }

  private batchOf(shard: number, entries: Entry[], askedAt: number): Batch[] {
    if (entries.length === 0) return [];
    const { id: campaign, epoch } = this.campaign;
    // They were delivered after this was asked, so nobody can claim them earlier.
    const claimableAt = askedAt + this.deps.claimIdleMs;
    return [{ campaign, epoch, shard, entries, mayBeElsewhere: () => performance.now() >= claimableAt }];
  }
}
