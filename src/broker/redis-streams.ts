// The default broker: one consumer group over the work streams that the gate script writes.
import { seqOf, seqsBetween } from '../domain/shard.ts';
import { createSettlement } from '../gate/redis/settlement.ts';
import { ensureGroups } from '../gate/redis/work-groups.ts';
import { type RedisClient, redisFault, rethrow, untilReady } from '../redis/connection.ts';
import { GROUP, keys } from '../redis/keys.ts';
import type { Batch, Broker, ConsumedCampaign, Consumer, Entry } from './port.ts';
import { type RawEntry, type RawStreams, readReply } from './stream-reply.ts';

export interface RedisStreamsDeps {
  /** For everything that answers at once. */
  redis: RedisClient;
  /** Opens the connection of one blocking reader; the consumer closes it. */
  openReader: (name: string) => RedisClient;
  batchMax: number;
  /** A consumer silent for this long has its entries claimed; longer than the worst batch. */
  claimIdleMs: number;
  /** Hears of entries that were trimmed while pending: their content is gone from Redis. */
  onVanished: (campaign: string, seqs: number[]) => void;
  /** Hears of entries whose ids no gate gives: somebody else wrote them, and they are taken off the stream. */
  onForeign?: (campaign: string, ids: string[]) => void;
}

/** While other shards are in hand, waiting for the idle ones must not outlast the busy ones. */
const BUSY_WAIT_MS = 20;

export function createRedisStreams(deps: RedisStreamsDeps): Broker {
  return {
    async consume(campaign, name) {
      await ensureGroups(deps.redis, campaign.id, campaign.shards);
      const reader = deps.openReader(`${name}:${campaign.id}`);
      await untilReady(reader, deps.claimIdleMs).catch((error: unknown) => {
        reader.disconnect();
        throw error;
      });
      return createConsumer(deps, reader, campaign, name);
    },
    async lag(campaign, shards) {
      const seq = Number((await deps.redis.hget(keys.gate(campaign), 'seq').catch(rethrow)) ?? 0);
      return Promise.all(
        Array.from({ length: shards }, async (_, shard) => {
          const group = await readGroup(deps.redis, keys.work(campaign, shard));
          return {
            shard,
            undeliveredCount: seqsBetween(shard, shards, group?.lastDelivered ?? 0, seq + 1),
            pendingCount: group?.pending ?? 0,
          };
        }),
      );
    },
    close: async () => undefined,
  };
}

function createConsumer(
  deps: RedisStreamsDeps,
  reader: RedisClient,
  { id: campaign, epoch, shards }: ConsumedCampaign,
  name: string,
): Consumer {
  const { redis, batchMax, claimIdleMs } = deps;
  const inHand = new Set<number>();
  // Shards whose own history has not been read to its end: a reply that was lost left its entries there.
  const unread = new Set<number>(Array.from({ length: shards }, (_, shard) => shard));
  let freed = Promise.withResolvers<void>();
  let scanAt = performance.now() + claimIdleMs / 3;

  const idleShards = (among?: ReadonlySet<number>): number[] =>
    Array.from({ length: shards }, (_, shard) => shard).filter((s) => !inHand.has(s) && (among?.has(s) ?? true));

  async function read(from: '>' | '0', among: number[], blockMs?: number): Promise<Batch[]> {
    const wait = blockMs === undefined ? [] : ['BLOCK', blockMs];
    const streams = among.map((shard) => keys.work(campaign, shard));
    const args = ['GROUP', GROUP, name, 'COUNT', batchMax, ...wait, 'STREAMS', ...streams, ...among.map(() => from)];
    const reply = (await reader.call('XREADGROUP', args)) as RawStreams | null;
    const batches: Batch[] = [];
    for (const found of readReply(reply, streams)) {
      await dropForeign(streams[found.index]!, found.foreignIds);
      batches.push(...batchOf(among[found.index]!, found.entries, from === '0'));
    }
    return batches;
  }

  /** Acked by their own ids: settling knows only seqs, and would leave them pending below the watermark for ever. */
  async function dropForeign(work: string, ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    deps.onForeign?.(campaign, ids);
    await redis
      .multi()
      .xack(work, GROUP, ...ids)
      .xdel(work, ...ids)
      .exec();
  }

  async function readHistory(): Promise<Batch[]> {
    const among = idleShards(unread);
    if (among.length === 0) return [];
    const batches = await read('0', among);
    const found = new Set(batches.map((batch) => batch.shard));
    for (const shard of among) if (!found.has(shard)) unread.delete(shard);
    return batches;
  }

  async function claimSilent(): Promise<Batch[]> {
    const claimed: Batch[] = [];
    for (const shard of idleShards()) {
      const work = keys.work(campaign, shard);
      const reply = await redis.xautoclaim(work, GROUP, name, claimIdleMs, '0-0', 'COUNT', batchMax);
      const [, entries, vanished] = reply as [string, RawEntry[], string[]?];
      if (vanished && vanished.length > 0) deps.onVanished(campaign, vanished.map(seqOf));
      for (const found of readReply([[work, entries]], [work])) {
        await dropForeign(work, found.foreignIds);
        claimed.push(...batchOf(shard, found.entries, true));
      }
    }
    return claimed;
  }

  function putDown(shard: number): void {
    inHand.delete(shard);
    freed.resolve();
    freed = Promise.withResolvers();
  }

  async function receive(waitMs: number): Promise<Batch[]> {
    const history = await readHistory();
    if (history.length > 0) return history;
    if (performance.now() >= scanAt) {
      scanAt = performance.now() + claimIdleMs / 3;
      for (const shard of idleShards()) unread.add(shard);
      const claimed = await claimSilent();
      if (claimed.length > 0) return claimed;
    }
    const idle = idleShards();
    if (idle.length > 0) return read('>', idle, inHand.size > 0 ? Math.min(BUSY_WAIT_MS, waitMs) : waitMs);
    await freed.promise;
    return [];
  }

  return {
    async receive(waitMs) {
      try {
        const batches = await receive(waitMs);
        // Only what is handed out is in hand: a claim that failed half-way is read again from the history.
        for (const { shard } of batches) inHand.add(shard);
        return batches;
      } catch (error) {
        for (let shard = 0; shard < shards; shard += 1) unread.add(shard);
        if (String(error).includes('NOGROUP') || String(error).includes('UNBLOCKED')) {
          await ensureGroups(redis, campaign, shards);
          return [];
        }
        throw redisFault(error);
      }
    },
    async settle(batch, exceptions) {
      const settled = await createSettlement(redis).settle({ campaign, epoch, ...batch }, exceptions);
      putDown(batch.shard);
      return settled;
    },
    release(batch) {
      unread.add(batch.shard);
      putDown(batch.shard);
    },
    async close() {
      freed.resolve();
      reader.disconnect();
    },
  };
}

const batchOf = (shard: number, entries: Entry[], redelivered: boolean): Batch[] =>
  entries.length === 0 ? [] : [{ shard, entries, redelivered }];

/** Undefined when the stream or its group is missing. */
async function readGroup(
  redis: RedisClient,
  work: string,
): Promise<{ lastDelivered: number; pending: number } | undefined> {
  const groups = (await redis.xinfo('GROUPS', work).catch((error: unknown) => {
    if (String(error).includes('no such key')) return [];
    throw redisFault(error);
  })) as unknown[][];
  for (const group of groups) {
    const field = (name: string) => group[group.indexOf(name) + 1];
    if (field('name') === GROUP) {
      return { lastDelivered: seqOf(String(field('last-delivered-id'))), pending: Number(field('pending')) };
    }
  }
  return undefined;
}
