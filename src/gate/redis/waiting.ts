// Counts the tickets that wait and finds the oldest: three small reads for each campaign in line, however many are open.
import { chunks } from '../../domain/chunks.ts';
import { epochMsOf } from '../../domain/clock.ts';
import { seqAfter } from '../../domain/shard.ts';
import type { WaitingTickets } from '../../domain/waiting.ts';
import { limits } from '../../process/limits.ts';
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { readWhole } from '../../redis/reads.ts';

interface Counted {
  id: string;
  shards: number;
  ticketCount: number;
  settledCount: number;
}

interface Dated extends Counted {
  /** Epoch ms; infinite where no entry was found. */
  oldestAt: number;
}

/** Of these campaigns. Redis's own `lag` is not used: it is NULL once an entry was deleted. Throws a Fault. */
export async function readWaiting(redis: RedisClient, ids: readonly string[]): Promise<WaitingTickets> {
  const waiting: Dated[] = [];
  for (const some of chunks(ids, limits.campaignsPerRead)) {
    const counted = await countEach(redis, some);
    const times = await oldestOf(redis, counted);
    waiting.push(...counted.map((one, index) => ({ ...one, oldestAt: times[index]! })));
  }
  const now = waiting.length === 0 ? 0 : epochMsOf(await redis.time().catch(rethrow));
  const waitMs = (at: number) => (Number.isFinite(at) ? Math.max(0, Math.round(now - at)) : 0);
  const busiest = waiting.toSorted((a, b) => b.ticketCount - a.ticketCount).slice(0, limits.busiestMax);
  return {
    ticketCount: waiting.reduce((sum, { ticketCount }) => sum + ticketCount, 0),
    campaignCount: waiting.length,
    oldestWaitMs: waitMs(
      waiting.reduce((oldest, { oldestAt }) => Math.min(oldest, oldestAt), Number.POSITIVE_INFINITY),
    ),
    busiest: busiest.map(({ id, ticketCount, settledCount, oldestAt }) => ({
      id,
      ticketCount,
      settledCount,
      oldestWaitMs: waitMs(oldestAt),
    })),
  };
}

/** The tickets of these campaigns that wait. Throws a Fault. */
export async function countWaiting(redis: RedisClient, ids: readonly string[]): Promise<number> {
  let count = 0;
  for (const some of chunks(ids, limits.campaignsPerRead)) {
    for (const { ticketCount } of await countEach(redis, some)) count += ticketCount;
  }
  return count;
}

async function countEach(redis: RedisClient, ids: readonly string[]): Promise<Counted[]> {
  const gates = (await readWhole(
    redis,
    ids.map((id) => ['hmget', keys.gate(id), 'seq', 'settled', 'shards']),
  )) as (string | null)[][];
  return ids.flatMap((id, index) => {
    const [seq = 0, settledCount = 0, shards = 0] = gates[index]!.map(Number);
    return seq > settledCount && shards > 0 ? [{ id, shards, ticketCount: seq - settledCount, settledCount }] : [];
  });
}

/** Epoch ms at which the oldest waiting ticket of each was admitted; infinite where its entry is gone meanwhile. */
async function oldestOf(redis: RedisClient, campaigns: readonly Counted[]): Promise<number[]> {
  const marks = (await readWhole(
    redis,
    campaigns.map(({ id, shards }) => [
      'hmget',
      keys.gate(id),
      ...Array.from({ length: shards }, (_, shard) => `watermark:${shard}`),
    ]),
  )) as (string | null)[][];
  const first = campaigns.map(({ id, shards }, index) => [keys.work(id, shardOfOldest(marks[index]!, shards))]);
  const times = await firstTimes(redis, first);
  // Where the tickets of that shard were given back meanwhile, the oldest is in another.
  const missed = campaigns.flatMap((campaign, index) => (Number.isFinite(times[index]) ? [] : { campaign, index }));
  const again = await firstTimes(
    redis,
    missed.map(({ campaign }) => keys.works(campaign)),
  );
  for (const [at, { index }] of missed.entries()) times[index] = again[at]!;
  return times;
}

/** Seqs are given out in the order of admission, so the shard with the lowest seq behind its watermark has the oldest. */
function shardOfOldest(watermarks: readonly (string | null)[], shards: number): number {
  const next = watermarks.map((mark, shard) => seqAfter(shard, shards, Number(mark ?? 0)));
  return next.indexOf(Math.min(...next));
}

/** For each list of work streams the lowest `admitted_at` of their first entries; settled entries are trimmed away. */
async function firstTimes(redis: RedisClient, works: readonly (readonly string[])[]): Promise<number[]> {
  const replies = (await readWhole(
    redis,
    works.flat().map((work) => ['xrange', work, '-', '+', 'COUNT', 1]),
  )) as [string, string[]][][];
  let at = 0;
  return works.map((some) => {
    const entries = replies.slice(at, at + some.length).flat();
    at += some.length;
    const times = entries.map(([, fields]) => Number(fields[fields.indexOf('admitted_at') + 1]));
    return Math.min(...times.filter(Number.isFinite));
  });
}
