// The age of the oldest ticket that waits: the first entry of each work stream, since settled ones are trimmed away.
import { type GateView, gateTime } from '../../domain/gate-view.ts';
import type { RedisClient } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { readWhole } from '../../redis/reads.ts';

/** Ms since the oldest unsettled ticket was admitted, when the gate was read; null when none waits. Throws a Fault. */
export function createOldestWaitReader(
  redis: RedisClient,
): (view: Pick<GateView, 'id' | 'shards' | 'clock' | 'readAt'>) => Promise<number | null> {
  return async (view) => {
    const { id, shards } = view;
    const works = Array.from({ length: shards }, (_, shard) => keys.work(id, shard));
    const replies = await readWhole(
      redis,
      works.map((work) => ['xrange', work, '-', '+', 'COUNT', 1] as const),
    );
    const entries = (replies as [string, string[]][][]).flat();
    const times = entries.map(([, fields]) => Number(fields[fields.indexOf('admitted_at') + 1]));
    const oldest = Math.min(...times.filter(Number.isFinite));
    return Number.isFinite(oldest) ? Math.max(0, Math.round(gateTime(view, view.readAt)) - oldest) : null;
  };
}
