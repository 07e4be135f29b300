// What carries tickets to workers: the streams of the gates themselves, or Kafka and the relay that fills it.
import { createKafkaSource } from '../broker/kafka/kafka-source.ts';
import { LostEntries } from '../broker/kafka/lost-entries.ts';
import type { Batch, TicketSource } from '../broker/port.ts';
import { createRedisSource, type RedisSourceDeps } from '../broker/redis-source.ts';
import { claimCarried, noteCarriedTo, readCarriedTo } from '../gate/redis/carrying.ts';
import { readIdleShards, takeIdleEntries } from '../gate/redis/idle-entries.ts';
import { takeLease } from '../gate/redis/locks.ts';
import { limits } from '../process/limits.ts';
import { keys, RELAY } from '../redis/keys.ts';
import { readObstacle } from '../redis/read-obstacle.ts';
import type { WorkerEvents } from './heard.ts';
import type { WorkerParts, WorkerSettings } from './worker-parts.ts';

/** Of all campaigns, unless `isWanted` says which; the worker's own, unless `consumer` is another's. */
export type OpenSource = (isWanted?: (campaign: string) => boolean, consumer?: string) => TicketSource;

/** What the duty takes that carries tickets to Kafka, where Kafka is chosen. */
export function relayDuty(
  parts: WorkerParts,
  settings: WorkerSettings,
  { onCarried, onLost, onLag, ...events }: WorkerEvents,
) {
  const { redis, kafka } = parts;
  if (kafka === undefined) return undefined;
  const { name, claimIdleMs } = settings;
  const { send, ends, committed } = kafka;
  const lost = new LostEntries({
    idleShards: (idleMs) => readIdleShards(redis, idleMs),
    takeIdle: (of, idleMs) => takeIdleEntries(redis, of, idleMs, limits.lostEntriesMax),
    ...{ ends, committed, send, onLost, claimIdleMs },
  });
  const carriedTo: RedisSourceDeps['carriedTo'] = (gate) => readCarriedTo(redis, gate);
  // Its reads say nothing of this worker's readiness: a worker that was the relay reads no lanes any more, and issues as before.
  const unheard = {
    onLook: () => undefined,
    onLookFailed: undefined,
    onUnreadable: () => undefined,
    onRead: () => undefined,
  };
  const streams = { ...streamsOf(parts, settings, events), ...unheard };
  const reading = { ...streams, name: RELAY, carriedTo, lookMaxMs: limits.relayLookMaxMs };
  return {
    takeLease: () => takeLease(redis, keys.relay, name, { leaseMs: limits.relayLeaseMs, renewMs: limits.relayRenewMs }),
    openSource: () => createRedisSource(reading),
    send,
    noteCarried: (batch: Batch) => noteCarriedTo(redis, batch),
    lookForLost: () => lost.look(),
    lookForLostMs: claimIdleMs / 3,
    lookAtLag: async () => {
      const [to, from] = await Promise.all([ends(), committed()]);
      onLag(to.map((end, partition) => Number(end - (from[partition] ?? 0n))));
    },
    onCarried,
    onError: events.onError,
  };
}

export function sourceOf(parts: WorkerParts, settings: WorkerSettings, events: WorkerEvents): OpenSource {
  const reading = streamsOf(parts, settings, events);
  const { redis, kafka } = parts;
  if (kafka === undefined) {
    return (isWanted, consumer = settings.name) => createRedisSource({ ...reading, name: consumer, isWanted });
  }
  return (_, consumer = settings.name) =>
    createKafkaSource({
      ...reading,
      ...kafka.openMember(consumer),
      topic: kafka.topic,
      sealKey: kafka.sealKey,
      claim: (of) => claimCarried(redis, of),
      onLook: () => events.onTurn('kafka'),
    });
}

/** What every reader of the streams takes. */
function streamsOf(
  { redis, ledger, openReader }: WorkerParts,
  { claimIdleMs, batchMax = limits.workBatchMax }: WorkerSettings,
  {
    onTurn,
    onTurnFailed,
    onUnreadable,
    onRead,
    onVanished,
    onForeign,
    onError,
  }: Omit<WorkerEvents, 'onCarried' | 'onLost' | 'onLag'>,
) {
  const inHandMax = ledger.connectionMax * limits.inHandPerConnection;
  const onLookFailed = (lanes: string, error: unknown): void =>
    void readObstacle(redis, error).then((cause) => onTurnFailed(lanes, cause));
  const told = { onLook: onTurn, onLookFailed, onUnreadable, onRead, onVanished, onForeign, onError };
  return { redis, openReader, batchMax, claimIdleMs, inHandMax, ...told };
}
