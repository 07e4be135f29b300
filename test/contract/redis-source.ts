// The source over Redis Streams, as tests open it.
import type { TicketSource } from '../../src/broker/port.ts';
import { createRedisSource, type RedisSourceDeps } from '../../src/broker/redis-source.ts';
import { shardOf } from '../../src/domain/shard.ts';
import { createSettlement } from '../../src/gate/redis/settlement.ts';
import { limits } from '../../src/process/limits.ts';
import { openReading, type RedisClient } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { redisUrl } from '../helpers/services.ts';

export interface SourceOptions extends Partial<RedisSourceDeps> {
  redis: RedisClient;
  /** Where the source connects to; the Redis of the file if it is not named. */
  url?: string;
  name: string;
  /** The campaigns that it reads; all of them if there are none. */
  only?: readonly string[];
}

const unheard = () => undefined;

export const openSource = ({ url = redisUrl(), only, ...rest }: SourceOptions): TicketSource =>
  createRedisSource({
    batchMax: 5,
    claimIdleMs: limits.claimIdleMs,
    inHandMax: 10_000,
    isWanted: only && ((campaign) => only.includes(campaign)),
    openReader: (name) => openReading({ url, name, commandMs: limits.readMs, onError: unheard }),
    onLook: unheard,
    onUnreadable: unheard,
    onRead: unheard,
    onVanished: unheard,
    onForeign: unheard,
    onError: unheard,
    ...rest,
  });

/** What a harness of a source does with gates that a Redis keeps, whoever carries their tickets. */
export const gatesOf = (redis: RedisClient, { shards, claimIdleMs }: { shards: number; claimIdleMs: number }) => ({
  settlement: createSettlement(redis),
  shards,
  append: async (campaign: string, ...seqs: number[]): Promise<void> => {
    for (const seq of seqs) await redis.xadd(keys.work(campaign, shardOf(seq, shards)), `${seq}-0`, 'user', `u${seq}`);
    await giveOut(redis, { campaign, seq: Math.max(...seqs), shards });
  },
  silence: (): Promise<void> => new Promise((resolve) => setTimeout(resolve, claimIdleMs + 50)),
  exceptionOf: async (campaign: string, seq: number): Promise<string | undefined> =>
    (await redis.hget(keys.exceptions(campaign), String(seq))) ?? undefined,
});

/** Gives out seqs 1 to `seq` of a campaign, as far as its gate knows; what a worker needs of a gate. */
export async function giveOut(
  redis: RedisClient,
  { campaign, seq, shards }: { campaign: string; seq: number; shards: number },
): Promise<void> {
  // Of the server that has this gate.
  const info = String(await redis.eval("return redis.call('INFO', 'server')", 1, keys.gate(campaign)));
  const [, run] = /run_id:(\w+)/.exec(info)!;
  await redis.hset(keys.gate(campaign), 'seq', seq, 'epoch', 1, 'shards', shards, 'run_id', run!);
  await redis.zadd(keys.turns(campaign), 'NX', 1, campaign);
  await redis.publish(keys.arrivals, campaign);
}
