// The source over Redis Streams, and a reader of it alone, as tests open them.
import type { CarriedCampaign } from '../../src/broker/campaigns-with-work.ts';
import type { TicketSource } from '../../src/broker/port.ts';
import { openRedisReader, type RedisReader } from '../../src/broker/redis-reader.ts';
import { createRedisStreams } from '../../src/broker/redis-streams.ts';
import { limits } from '../../src/process/limits.ts';
import { openBlocking, type RedisClient } from '../../src/redis/connection.ts';
import { redisUrl } from '../helpers/services.ts';

export interface SourceOptions {
  redis: RedisClient;
  /** Where the readers connect to; the Redis of all tests if it is not named. */
  url?: string;
  name: string;
  batchMax?: number;
  claimIdleMs?: number;
}

const unheard = () => undefined;

const depsOf = ({ url = redisUrl(), batchMax = 5, claimIdleMs = limits.claimIdleMs, ...rest }: SourceOptions) => ({
  ...rest,
  batchMax,
  claimIdleMs,
  openReader: (name: string) => openBlocking({ url, name, blockMs: limits.receiveMs, onError: unheard }),
  onVanished: unheard,
  onForeign: unheard,
});

export const openReader = (options: SourceOptions, campaign: CarriedCampaign): Promise<RedisReader> =>
  openRedisReader(depsOf(options), campaign);

/** The tickets of these campaigns. */
export const openStreams = ({ found, ...options }: SourceOptions & { found: CarriedCampaign[] }): TicketSource =>
  createRedisStreams({
    ...depsOf(options),
    lookForWork: async () => ({ found, unreadable: new Set() }),
    onRead: unheard,
    onLeave: unheard,
    onError: unheard,
  });
