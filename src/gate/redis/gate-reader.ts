// Reads many gates at once: the only thing a front asks of Redis on behalf of everybody who waits.
import { Cluster } from 'ioredis';
import type { CampaignState } from '../../domain/campaign.ts';
import { mapSettings, SETTINGS } from '../../domain/campaign-settings.ts';
import { epochMsOf, type MeasuredClock, measureClock, type SpanClock, spanClock } from '../../domain/clock.ts';
import { parseEpochs } from '../../domain/epochs.ts';
import { Fault, isFault } from '../../domain/fault.ts';
import type { GateView } from '../../domain/gate-view.ts';
import { type RedisClient, redisFault } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { type Read, readAll } from '../../redis/reads.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { ReadEachGate, ReadGates } from '../port.ts';
import { noteMark } from './gate-marks.ts';

export function createGateReader(redis: RedisClient, now: SpanClock = spanClock): ReadGates {
  const readEach = createEachGateReader(redis, now);
  return async (ids) =>
    (await readEach(ids)).map((gate) => {
      if (isFault(gate)) throw gate;
      return gate;
    });
}

export function createEachGateReader(redis: RedisClient, now: SpanClock = spanClock): ReadEachGate {
  return async (ids) => {
    if (ids.length === 0) return [];
    const reads = ids.flatMap((id): Read[] => [
      ['hgetall', keys.gate(id)],
      ['zcard', keys.free(id)],
    ]);
    const { clocks, replies } = await readWithClocks(redis, ids, reads, now);
    const readAt = now();
    return ids.map((id, index) => {
      const [gate, free, clock] = [replies[2 * index], replies[2 * index + 1], clocks[index]];
      const fault = [gate, free, clock].find((reply) => isFault(reply));
      if (fault !== undefined) return fault;
      if (clock === undefined || (gate as Record<string, string>).state === undefined) return undefined;
      try {
        const counted = toCounts(id, gate as Record<string, string>, free as number);
        const view = { ...counted, readAt, clock: clock as MeasuredClock };
        noteMark(view, gate as Record<string, string>, free as number);
        return view;
      } catch (error) {
        return error as Fault;
      }
    });
  };
}

const clockScript = loadScript('clock');

/** The replies, and the clock of each gate's server in the same round trip; undefined where there is no gate. */
async function readWithClocks(redis: RedisClient, ids: readonly string[], reads: readonly Read[], now: SpanClock) {
  const askedAt = now();
  const measured = (told: unknown): MeasuredClock => measureClock(askedAt, now(), epochMsOf(told as string[]));
  if (redis instanceof Cluster) {
    const [replies, clocks] = await Promise.all([
      readAll(redis, reads),
      Promise.all(
        ids.map((id) =>
          runScript(redis, clockScript, [keys.gate(id)], []).then(
            (told) => (told === null ? undefined : measured(told)),
            redisFault,
          ),
        ),
      ),
    ]);
    return { replies, clocks };
  }
  const [told, ...replies] = await readAll(redis, [['time'], ...reads]);
  const clock = isFault(told) ? told : measured(told);
  return { replies, clocks: ids.map(() => clock) };
}

function toCounts(id: string, gate: Record<string, string>, freeCount: number): Omit<GateView, 'readAt' | 'clock'> {
  const count = (field: string): number => {
    const value = Number(gate[field] ?? 0);
    if (!Number.isSafeInteger(value)) throw new Fault('corrupt-state', `field ${field} of the gate of ${id}`);
    return value;
  };
  const settings = mapSettings(SETTINGS, 'name', {
    name: ({ gateField }) => gate[gateField] ?? '',
    instant: ({ gateField }) => count(gateField) || null,
    integer: ({ gateField }) => count(gateField),
  });
  const { stock, shards } = settings;
  const byShard = (field: string) => Array.from({ length: shards }, (_, shard) => count(`${field}:${shard}`));
  return {
    id,
    ...settings,
    epoch: count('epoch'),
    epochs: parseEpochs(gate.epochs ?? ''),
    version: count('version'),
    state: gate.state as CampaignState,
    recoveringUntil: count('recovering_until'),
    buckets: count('buckets'),
    seq: count('seq'),
    remaining: Math.max(0, stock - count('next_unit')) + freeCount,
    settledCount: count('settled'),
    retryingCount: count('retrying'),
    cancelledCount: count('cancelled'),
    watermarks: byShard('watermark'),
    acked: byShard('acked'),
  };
}
