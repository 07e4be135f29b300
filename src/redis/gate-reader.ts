// Reads many gates in one pipeline: the only thing a front asks of Redis on behalf of everybody who waits.
import type { Redis } from 'ioredis';
import type { CampaignState } from '../domain/campaign.ts';
import type { Clock } from '../domain/clock.ts';
import { parseEpochs } from '../domain/epochs.ts';
import { Fault } from '../domain/fault.ts';
import type { GateView } from '../domain/gate-view.ts';
import { redisFault } from './connection.ts';
import { keys } from './keys.ts';

/** The gates of `ids` in that order; undefined for a campaign that has none. Throws a Fault. */
export type ReadGates = (ids: readonly string[]) => Promise<(GateView | undefined)[]>;

export function createGateReader(redis: Redis, clock: Clock): ReadGates {
  return async (ids) => {
    if (ids.length === 0) return [];
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hgetall(keys.gate(id)).zcard(keys.free(id));
    const replies = await pipeline.exec().catch((error: unknown) => {
      throw redisFault(error);
    });
    return ids.map((id, index) => {
      const [gateError, gate] = replies![2 * index]!;
      const [freeError, free] = replies![2 * index + 1]!;
      if (gateError ?? freeError) throw redisFault(gateError ?? freeError);
      return toView(id, gate as Record<string, string>, free as number, clock());
    });
  };
}

function toView(id: string, gate: Record<string, string>, freeCount: number, readAt: number): GateView | undefined {
  if (gate.state === undefined) return undefined;
  const count = (field: string): number => {
    const value = Number(gate[field] ?? 0);
    if (!Number.isSafeInteger(value)) throw new Fault('corrupt-state', `field ${field} of the gate of ${id}`);
    return value;
  };
  const shards = count('shards');
  const byShard = (field: string) => Array.from({ length: shards }, (_, shard) => count(`${field}:${shard}`));
  return {
    id,
    name: gate.name ?? '',
    epoch: count('epoch'),
    epochs: parseEpochs(gate.epochs ?? ''),
    version: count('version'),
    state: gate.state as CampaignState,
    opensAt: count('opens_at') || null,
    closesAt: count('closes_at') || null,
    stock: count('stock'),
    ratePerSecond: count('rate'),
    burst: count('burst'),
    backlogMax: count('backlog_max'),
    recoveringUntil: count('recovering_until'),
    shards,
    buckets: count('buckets'),
    seq: count('seq'),
    remaining: Math.max(0, count('stock') - count('next_unit')) + freeCount,
    settledCount: count('settled'),
    retryingCount: count('retrying'),
    cancelledCount: count('cancelled'),
    watermarks: byShard('watermark'),
    acked: byShard('acked'),
    readAt,
  };
}
