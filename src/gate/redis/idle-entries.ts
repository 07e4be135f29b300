// Entries that were delivered, and that nobody has touched for long.
import { seqOf } from '../../domain/shard.ts';
import { limits } from '../../process/limits.ts';
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { pairs } from '../../redis/entry-fields.ts';
import { GROUP, keys, RELAY } from '../../redis/keys.ts';
import { type Read, readAll, readWhole } from '../../redis/reads.ts';
import { createLines } from './lines.ts';

interface ShardOfGate {
  campaign: string;
  epoch: number;
  shard: number;
}

/** Shards of campaigns in line that have such entries, untouched for `idleMs`. Throws a Fault when the lines cannot be read. */
export async function readIdleShards(redis: RedisClient, idleMs: number): Promise<ShardOfGate[]> {
  const campaigns = await createLines(redis).campaigns();
  const found: ShardOfGate[] = [];
  for (let from = 0; from < campaigns.length; from += limits.campaignsPerRead) {
    const shards = await shardsOf(redis, campaigns.slice(from, from + limits.campaignsPerRead));
    const reads = shards.map(({ campaign, shard }): Read => {
      return ['xpending', keys.work(campaign, shard), GROUP, 'IDLE', idleMs, '-', '+', 1];
    });
    // A stream without its group has no pending entry.
    const replies = await readAll(redis, reads);
    found.push(...shards.filter((_, index) => Array.isArray(replies[index]) && replies[index].length > 0));
  }
  return found;
}

async function shardsOf(redis: RedisClient, campaigns: readonly string[]): Promise<ShardOfGate[]> {
  const reads = campaigns.map((campaign): Read => ['hmget', keys.gate(campaign), 'epoch', 'shards']);
  const gates = (await readWhole(redis, reads)) as (string | null)[][];
  return gates.flatMap(([epoch, shards], index) =>
    Array.from({ length: Number(shards ?? 0) }, (_, shard) => ({
      campaign: campaigns[index]!,
      epoch: Number(epoch),
      shard,
    })),
  );
}

/** At most `countMax` of those entries of one shard, in the relay's hands from now on. Throws a Fault. */
export async function takeIdleEntries(
  redis: RedisClient,
  { campaign, shard }: ShardOfGate,
  idleMs: number,
  countMax: number,
): Promise<{ seq: number; fields: Record<string, string> }[]> {
  const work = keys.work(campaign, shard);
  const idle = (await redis.xpending(work, GROUP, 'IDLE', idleMs, '-', '+', countMax).catch(rethrow)) as [
    id: string,
    ...unknown[],
  ][];
  if (idle.length === 0) return [];
  const ids = idle.map(([id]) => id);
  const claimed = (await redis.call('XCLAIM', work, GROUP, RELAY, idleMs, ...ids).catch(rethrow)) as [
    string,
    string[],
  ][];
  return claimed.map(([id, flat]) => ({ seq: seqOf(id), fields: pairs(flat) }));
}
