// Campaigns that somebody asks for while their gate is closed: fronts note them, and a worker takes each once. A note that is
// lost costs time alone: the next question notes the campaign again, and workers look at all gates anyway.
import { type RedisClient, redisFault, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import type { AskedGates } from '../port.ts';

/** A crowd asks for few campaigns; what is beyond is found by the look at all gates. */
const NOTED_MAX = 1_000;
/** Without a worker nobody takes them, and who still asks is noted again. */
const NOTED_MS = 60_000;

export const createAskedGates = (redis: RedisClient): AskedGates => ({
  note: async (campaigns) => {
    if (campaigns.length === 0) return;
    const key = keys.askedGates;
    const replies = await redis
      .multi()
      .zadd(key, 'NX', ...campaigns.flatMap((campaign) => [0, campaign]))
      .zremrangebyrank(key, NOTED_MAX, -1)
      .pexpire(key, NOTED_MS)
      .exec()
      .catch(rethrow);
    const failed = replies?.find(([error]) => error !== null);
    if (failed !== undefined) throw redisFault(failed[0]);
  },
  take: async (countMax) => {
    const taken = await redis.zpopmin(keys.askedGates, countMax).catch(rethrow);
    return taken.filter((_, index) => index % 2 === 0);
  },
});
