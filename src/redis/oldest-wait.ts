// The age of the oldest ticket that waits: the first entry of each work stream, since settled ones are trimmed away.
import type { Redis } from 'ioredis';
import type { Clock } from '../domain/clock.ts';
import type { GateView } from '../domain/gate-view.ts';
import { redisFault } from './connection.ts';
import { keys } from './keys.ts';

/** Ms since the oldest unsettled ticket was admitted; null when none waits. Throws a Fault. */
export function createOldestWaitReader(redis: Redis, clock: Clock): (view: GateView) => Promise<number | null> {
  return async ({ id, shards }) => {
    const pipeline = redis.pipeline();
    for (let shard = 0; shard < shards; shard += 1) pipeline.xrange(keys.work(id, shard), '-', '+', 'COUNT', 1);
    const replies = await pipeline.exec().catch((error: unknown) => {
      throw redisFault(error);
    });
    const times = replies!.flatMap(([error, entries]) => {
      if (error) throw redisFault(error);
      return (entries as [string, string[]][]).map(([, fields]) => Number(fields[fields.indexOf('admitted_at') + 1]));
    });
    const oldest = Math.min(...times.filter(Number.isFinite));
    return Number.isFinite(oldest) ? Math.max(0, clock() - oldest) : null;
  };
}
