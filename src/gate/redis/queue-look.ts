// What waits for workers: one look reads the lines, a few fields of each gate in line, and the streams of the longest ones.

import { isFault } from '../../domain/fault.ts';
import type { QueueLook } from '../../domain/queue-look.ts';
import { seqsBetween } from '../../domain/shard.ts';
import { pause } from '../../process/lifecycle.ts';
import { limits } from '../../process/limits.ts';
import type { RedisClient } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { type Read, readAll, readWhole } from '../../redis/reads.ts';
import { readLines } from './lines.ts';

interface GateInLine {
  id: string;
  seq: number;
  shards: number;
  backlog: number;
}

export interface QueueWatch {
  /** The last look; undefined before the first one, and after one that failed. */
  seen: () => QueueLook | undefined;
  /** Looks until `stopping` aborts. */
  keepReading: (stopping: AbortSignal) => Promise<void>;
}

/** `read` looks once; an outage is reported once. */
export function createQueueWatch(read: () => Promise<QueueLook>, onError: (error: unknown) => void): QueueWatch {
  let last: QueueLook | undefined;
  let isFailing = false;
  const look = async (): Promise<void> => {
    try {
      last = await read();
      isFailing = false;
    } catch (error) {
      last = undefined;
      if (!isFailing) onError(error);
      isFailing = true;
    }
  };
  return {
    seen: () => last,
    async keepReading(stopping) {
      while (!stopping.aborted) {
        await look();
        await pause(limits.countMs, stopping);
      }
    },
  };
}

/**
 * Shards and the oldest wait are those of the campaigns with the longest backlogs, as many as have
 * `limits.streamsPerLookMax` streams together. Throws a Fault.
 */
export async function lookAtQueue(redis: RedisClient): Promise<QueueLook> {
  const waiting = await readWaiting(redis, await readLines(redis));
  const byCampaign = new Map(waiting.map(({ id, backlog }) => [id, backlog]));
  const backlog = waiting.reduce((sum, one) => sum + one.backlog, 0);
  return { backlog, byCampaign, ...(await readStreams(redis, longest(waiting))) };
}

async function readWaiting(redis: RedisClient, campaigns: readonly string[]): Promise<GateInLine[]> {
  const waiting: GateInLine[] = [];
  for (let from = 0; from < campaigns.length; from += limits.campaignsPerRead) {
    const part = campaigns.slice(from, from + limits.campaignsPerRead);
    const gates = await readWhole(
      redis,
      part.map((campaign) => ['hmget', keys.gate(campaign), 'seq', 'settled', 'shards']),
    );
    for (const [index, fields] of gates.entries()) {
      const [seq = 0, settled = 0, shards = 0] = (fields as (string | null)[]).map(Number);
      if (seq > settled) waiting.push({ id: part[index]!, seq, shards, backlog: seq - settled });
    }
  }
  return waiting;
}

function longest(waiting: readonly GateInLine[]): GateInLine[] {
  let left: number = limits.streamsPerLookMax;
  const sorted = waiting.toSorted((one, other) => other.backlog - one.backlog);
  return sorted.filter(({ shards }) => {
    left -= shards;
    return left >= 0;
  });
}

async function readStreams(redis: RedisClient, campaigns: readonly GateInLine[]) {
  const asked = campaigns.flatMap(({ id, seq, shards }) =>
    Array.from({ length: shards }, (_, shard) => ({ id, seq, shards, shard })),
  );
  const reads = asked.flatMap(({ id, shard }): Read[] => [
    ['hget', keys.gate(id), `settled:${shard}`],
    ['xpending', keys.work(id, shard), GROUP],
    ['xrange', keys.work(id, shard), '-', '+', 'COUNT', 1],
  ]);
  const [time, ...replies] = await readAll(redis, [['time'], ...reads]);
  const shards: { undelivered: number; pending: number }[] = [];
  let oldest = Number.POSITIVE_INFINITY;
  for (const [index, { seq, shards: count, shard }] of asked.entries()) {
    const [settled, pendings, entries] = replies.slice(3 * index, 3 * index + 3);
    if (isFault(settled) || isFault(entries)) continue;
    // A stream that no worker has looked at yet has no group.
    const pending = isFault(pendings) ? 0 : Number((pendings as unknown[])[0]);
    const left = seqsBetween(shard, count, 0, seq + 1) - Number(settled ?? 0);
    shards[shard] ??= { undelivered: 0, pending: 0 };
    const sums = shards[shard];
    sums.pending += pending;
    // The three are read one after the other, beside the traffic.
    sums.undelivered += Math.max(0, left - pending);
    const fields = (entries as [string, string[]][])[0]?.[1] ?? [];
    const admittedAt = Number(fields[fields.indexOf('admitted_at') + 1]);
    if (Number.isFinite(admittedAt)) oldest = Math.min(oldest, admittedAt);
  }
  const now = isFault(time) ? Date.now() : Number((time as string[])[0]) * 1_000;
  return {
    shards: Array.from(shards, (sums) => sums ?? { undelivered: 0, pending: 0 }),
    oldestWaitMs: Math.max(0, now - Math.min(oldest, now)),
  };
}
