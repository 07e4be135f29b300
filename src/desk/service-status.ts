// The whole service on one screen: stores, fronts, workers, what waits, and what needs a person. Each part is asked by itself
// and for a limited time: a status is wanted most while a store is away.
import type { ConnectionUse } from '../domain/connection-use.ts';
import type { WorkerReport } from '../domain/readiness.ts';
import type { AttentionStatus, ProcessStatus, ServiceStatus, StoreStatus, TopicLag } from '../domain/service-status.ts';
import type { WaitingTickets } from '../domain/waiting.ts';
import { within } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import { type Need, needsOf } from './status-needs.ts';

export interface ServiceStatusDeps {
  readRedisConnections: () => Promise<ConnectionUse | undefined>;
  readDatabaseConnections: () => Promise<ConnectionUse | undefined>;
  /** Undefined where no Kafka carries tickets. */
  readTopicLag?: (() => Promise<TopicLag>) | undefined;
  readFronts: () => Promise<WorkerReport[]>;
  readWorkers: () => Promise<WorkerReport[]>;
  readWaiting: () => Promise<WaitingTickets>;
  countRetries: () => Promise<number>;
  countDeadLetters: () => Promise<number>;
  /** Campaigns that need an operator. */
  readAttention: () => Promise<readonly AttentionStatus[]>;
}

export type ReadStatus = () => Promise<ServiceStatus & { needs: readonly Need[] }>;

/** Never rejects. */
export function createServiceStatus(deps: ServiceStatusDeps): ReadStatus {
  return async () => {
    const [redis, database, kafka, fronts, workers, waiting, retrying, deadLetters, attention] = await Promise.all([
      inTime(deps.readRedisConnections),
      inTime(deps.readDatabaseConnections),
      deps.readTopicLag && inTime(deps.readTopicLag),
      inTime(deps.readFronts),
      inTime(deps.readWorkers),
      inTime(deps.readWaiting),
      inTime(deps.countRetries),
      inTime(deps.countDeadLetters),
      inTime(deps.readAttention),
    ]);
    const status: ServiceStatus = {
      stores: { redis: storeOf(redis), database: storeOf(database) },
      ...(deps.readTopicLag && { kafka: kafka?.value ?? null }),
      fronts: presentOf(fronts),
      workers: presentOf(workers),
      waiting: waiting?.value ?? null,
      retrying: retrying?.value ?? null,
      deadLetters: deadLetters?.value ?? null,
      attention: attention?.value ?? null,
    };
    return { ...status, needs: needsOf(status) };
  };
}

/** Undefined for what was refused or took too long; an answer may be undefined itself. */
async function inTime<T>(read: () => Promise<T>): Promise<{ value: T } | undefined> {
  let answer: { value: T } | undefined;
  const reading = read().then(
    (value) => {
      answer = { value };
    },
    () => undefined,
  );
  await within(limits.statusPartMs, reading);
  return answer;
}

const storeOf = (answer: { value: ConnectionUse | undefined } | undefined): StoreStatus => ({
  reachable: answer !== undefined,
  connections: answer?.value ?? null,
});

const presentOf = (answer: { value: WorkerReport[] } | undefined): ProcessStatus[] | null =>
  answer === undefined
    ? null
    : answer.value
        .filter(({ silentMs }) => silentMs <= limits.workerSilentMs)
        .toSorted((a, b) => a.name.localeCompare(b.name));
