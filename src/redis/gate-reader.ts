// Reads many gates at once: the only thing a front asks of Redis on behalf of everybody who waits.
import type { CampaignState } from '../domain/campaign.ts';
import type { Clock } from '../domain/clock.ts';
import { parseEpochs } from '../domain/epochs.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { GateView } from '../domain/gate-view.ts';
import type { RedisClient } from './connection.ts';
import { keys } from './keys.ts';
import { readAll } from './reads.ts';

/** The gates of `ids` in that order; undefined for a campaign that has none. Throws a Fault. */
export type ReadGates = (ids: readonly string[]) => Promise<(GateView | undefined)[]>;

/** The same with a Fault in place of a gate that cannot be read: one whose node is away does not hide the others. */
export type ReadEachGate = (ids: readonly string[]) => Promise<(GateView | Fault | undefined)[]>;

export function createGateReader(redis: RedisClient, clock: Clock): ReadGates {
  const readEach = createEachGateReader(redis, clock);
  return async (ids) =>
    (await readEach(ids)).map((gate) => {
      if (isFault(gate)) throw gate;
      return gate;
    });
}

export function createEachGateReader(redis: RedisClient, clock: Clock): ReadEachGate {
  return async (ids) => {
    if (ids.length === 0) return [];
    const reads = ids.flatMap((id) => [['hgetall', keys.gate(id)] as const, ['zcard', keys.free(id)] as const]);
    const replies = await readAll(redis, reads);
    return ids.map((id, index) => {
      const [gate, free] = [replies[2 * index], replies[2 * index + 1]];
      if (isFault(gate) || isFault(free)) return isFault(gate) ? gate : (free as Fault);
      try {
        return toView(id, gate as Record<string, string>, free as number, clock());
      } catch (error) {
        return error as Fault;
      }
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
