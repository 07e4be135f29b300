// A relay and sources on a real broker and a real Redis, as tests run them.
import { randomUUID } from 'node:crypto';
import { Admin, ConnectionPool, Consumer, Producer } from '@platformatic/kafka';
import type { TestContext } from 'vitest';
import { createKafkaSource, type KafkaSourceDeps } from '../../src/broker/kafka/kafka-source.ts';
import type { SendRecords } from '../../src/broker/kafka/record.ts';
import { createSender } from '../../src/broker/kafka/topic.ts';

import type { TicketSource } from '../../src/broker/port.ts';
import { claimCarried, noteCarriedTo, readCarriedTo } from '../../src/gate/redis/carrying.ts';
import { takeLease } from '../../src/gate/redis/locks.ts';
import { limits } from '../../src/process/limits.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { RELAY } from '../../src/redis/keys.ts';
import { relayTickets } from '../../workers/relay.ts';
import { openSource } from '../contract/redis-source.ts';

const unheard = () => undefined;

export interface Carriers {
  topic: string;
  partitions: number;
  group: string;
  admin: Admin;
  send: SendRecords;
  /** Runs a relay of these campaigns until the test ends or the signal aborts. */
  relay(only: readonly string[], stopping?: AbortSignal): Promise<void>;
  open(name: string, options?: Partial<KafkaSourceDeps>): TicketSource;
}

const common = (brokers: string, clientId: string) => ({
  clientId,
  bootstrapBrokers: brokers.split(','),
  retries: 2,
  retryDelay: 200,
});

/** A topic of its own. */
export async function startCarriers(
  t: TestContext,
  {
    redis,
    brokers,
    partitions = 3,
    claimIdleMs,
    batchMax = 5,
  }: { redis: RedisClient; brokers: string; partitions?: number; claimIdleMs: number; batchMax?: number },
): Promise<Carriers> {
  const [topic, group] = [`sluice-${randomUUID()}`, `sluice-${randomUUID()}`];
  const admin = new Admin(common(brokers, 'test'));
  t.onTestFinished(() => admin.close());
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
  const producer = new Producer({ ...common(brokers, 'relay'), idempotent: true, acks: -1 });
  t.onTestFinished(() => producer.close());
  const send = createSender(producer, topic);
  const ended = new AbortController();
  return {
    topic,
    partitions,
    group,
    admin,
    send,
    async relay(only, stopping = ended.signal) {
      const openRelaySource = () =>
        openSource({
          redis,
          only,
          name: RELAY,
          batchMax: limits.workBatchMax,
          claimIdleMs,
          carriedTo: (gate) => readCarriedTo(redis, gate),
        });
      const running = relayTickets(
        {
          openSource: openRelaySource,
          takeLease: () => takeLease(redis, `lease:${topic}`, 'test'),
          send,
          noteCarried: (batch) => noteCarriedTo(redis, batch),
          lookForLost: async () => undefined,
          lookForLostMs: claimIdleMs,
          onCarried: unheard,
          onError: unheard,
        },
        stopping,
      );
      t.onTestFinished(async () => {
        ended.abort();
        await running;
      });
    },
    open: (name, options) => {
      const settings = common(brokers, name);
      const consumer = new Consumer({
        ...settings,
        groupId: group,
        groupInstanceId: name,
        autocommit: false,
        sessionTimeout: limits.kafkaSessionMs,
        rebalanceTimeout: limits.kafkaRebalanceMs,
        heartbeatInterval: limits.kafkaHeartbeatMs,
        protocols: [{ name: 'cooperative-sticky', version: 1 }],
      });
      return createKafkaSource({
        consumer,
        fetchPool: new ConnectionPool(name),
        topic,
        claim: (batch) => claimCarried(redis, name, batch),
        batchMax,
        claimIdleMs,
        inHandMax: 10_000,
        onLook: unheard,
        onError: unheard,
        ...options,
      });
    },
  };
}
