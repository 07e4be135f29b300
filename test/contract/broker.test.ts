import { createMemoryBroker } from '../../src/broker/memory.ts';
import { createRedisStreams } from '../../src/broker/redis-streams.ts';
import { shardOf } from '../../src/domain/shard.ts';
import { encodeOutcome } from '../../src/gate/redis/outcome-text.ts';
import { openBlocking } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { testRedis } from '../helpers/redis.ts';
import { redisUrl, uniqueName } from '../helpers/services.ts';
import { brokerContract } from './broker.ts';

const BATCH_MAX = 5;
const CLAIM_IDLE_MS = 300;
const SHARDS = 3;

brokerContract('The in-memory broker', async () => {
  let now = 0;
  const broker = createMemoryBroker({ batchMax: BATCH_MAX, claimIdleMs: CLAIM_IDLE_MS, clock: () => now });
  const campaign = uniqueName('memory');
  return {
    broker,
    campaign,
    shards: SHARDS,
    batchMax: BATCH_MAX,
    append: async (...seqs) => {
      for (const seq of seqs) broker.append(campaign, shardOf(seq, SHARDS), { seq, fields: { user: `u${seq}` } });
    },
    silence: async () => {
      now += CLAIM_IDLE_MS + 1;
    },
    exceptionOf: async (seq) => {
      const exception = broker.exceptionsOf(campaign).get(seq);
      return exception && encodeOutcome(exception.outcome);
    },
  };
});

brokerContract('Redis Streams', async (t) => {
  const redis = testRedis(t);
  const campaign = uniqueName('streams');
  const broker = createRedisStreams({
    redis,
    openReader: (name) => openBlocking({ url: redisUrl(), name, blockMs: 1_000, onError: () => undefined }),
    batchMax: BATCH_MAX,
    claimIdleMs: CLAIM_IDLE_MS,
    onVanished: () => undefined,
  });
  t.onTestFinished(() => broker.close());
  return {
    broker,
    campaign,
    shards: SHARDS,
    batchMax: BATCH_MAX,
    append: async (...seqs) => {
      const [, run] = /run_id:(\w+)/.exec(await redis.info('server'))!;
      await redis.hset(keys.gate(campaign), 'seq', Math.max(...seqs), 'epoch', 1, 'shards', SHARDS, 'run_id', run!);
      for (const seq of seqs)
        await redis.xadd(keys.work(campaign, shardOf(seq, SHARDS)), `${seq}-0`, 'user', `u${seq}`);
    },
    silence: () => new Promise((resolve) => setTimeout(resolve, CLAIM_IDLE_MS + 50)),
    exceptionOf: async (seq) => (await redis.hget(keys.exceptions(campaign), String(seq))) ?? undefined,
  };
});
