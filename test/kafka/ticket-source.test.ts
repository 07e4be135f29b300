// The contract of every source, on a real broker.
import { shardOf } from '../../src/domain/shard.ts';
import { createSettlement } from '../../src/gate/redis/settlement.ts';
import { keys } from '../../src/redis/keys.ts';
import { giveOut } from '../contract/redis-source.ts';
import { ticketSourceContract } from '../contract/ticket-source.ts';
import { testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { startCarriers } from './carriers.ts';

const BATCH_MAX = 5;
const SHARDS = 3;

ticketSourceContract('Kafka', async (t, claimIdleMs) => {
  const redis = testRedis(t);
  const campaigns = [uniqueName('kafka'), uniqueName('other')] as const;
  const carriers = await startCarriers(t, { redis, claimIdleMs, batchMax: BATCH_MAX });
  carriers.relay(campaigns);
  return {
    open: (name) => carriers.open(name),
    settlement: createSettlement(redis),
    campaigns,
    shards: SHARDS,
    batchMax: BATCH_MAX,
    append: async (campaign, ...seqs) => {
      for (const seq of seqs)
        await redis.xadd(keys.work(campaign, shardOf(seq, SHARDS)), `${seq}-0`, 'user', `u${seq}`);
      await giveOut(redis, { campaign, seq: Math.max(...seqs), shards: SHARDS });
    },
    silence: () => new Promise((resolve) => setTimeout(resolve, claimIdleMs + 50)),
    exceptionOf: async (campaign, seq) => (await redis.hget(keys.exceptions(campaign), String(seq))) ?? undefined,
  };
});
