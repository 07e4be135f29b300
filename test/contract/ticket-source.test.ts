import { shardOf } from '../../src/domain/shard.ts';
import { encodeOutcome } from '../../src/gate/redis/outcome-text.ts';
import { testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { createMemoryCarrier } from './memory-carrier.ts';
import { gatesOf, openSource } from './redis-source.ts';
import { ticketSourceContract } from './ticket-source.ts';

const BATCH_MAX = 5;
const SHARDS = 3;

ticketSourceContract('A carrier in memory', async (_t, claimIdleMs) => {
  let now = 0;
  const carrier = createMemoryCarrier({ batchMax: BATCH_MAX, claimIdleMs, clock: () => now });
  return {
    ...carrier,
    campaigns: [uniqueName('memory'), uniqueName('other')],
    shards: SHARDS,
    batchMax: BATCH_MAX,
    append: async (campaign, ...seqs) => {
      for (const seq of seqs) carrier.append(campaign, shardOf(seq, SHARDS), { seq, fields: { user: `u${seq}` } });
    },
    silence: async () => {
      now += claimIdleMs + 1;
    },
    exceptionOf: async (campaign, seq) => {
      const exception = carrier.exceptionsOf(campaign).get(seq);
      return exception && encodeOutcome(exception.outcome);
    },
  };
});

ticketSourceContract('Redis Streams', async (t, claimIdleMs) => {
  const redis = testRedis(t);
  const campaigns = [uniqueName('streams'), uniqueName('other')] as const;
  return {
    open: (name) => openSource({ redis, only: campaigns, name, batchMax: BATCH_MAX, claimIdleMs }),
    campaigns,
    batchMax: BATCH_MAX,
    ...gatesOf(redis, { shards: SHARDS, claimIdleMs }),
  };
});
