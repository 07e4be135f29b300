// The contract of every source, on a real broker.
import { gatesOf } from '../contract/redis-source.ts';
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
    campaigns,
    batchMax: BATCH_MAX,
    ...gatesOf(redis, { shards: SHARDS, claimIdleMs }),
  };
});
