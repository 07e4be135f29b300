// A relay and sources on a real broker and a real Redis, as tests run them.
import type { TestContext } from 'vitest';
import { createKafkaSource } from '../../src/broker/kafka/kafka-source.ts';
import { createSender } from '../../src/broker/kafka/topic.ts';
import type { TicketSource } from '../../src/broker/port.ts';
import { claimCarried, noteCarriedTo, readCarriedTo } from '../../src/gate/redis/carrying.ts';
import { takeLease } from '../../src/gate/redis/locks.ts';
import { openMember, openProducer } from '../../src/kafka/clients.ts';
import { limits } from '../../src/process/limits.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { RELAY } from '../../src/redis/keys.ts';
import { relayTickets } from '../../workers/relay.ts';
import { openSource } from '../contract/redis-source.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { kafkaBrokers, ownTopic } from './own.ts';

const PARTITIONS = 3;
const SEAL_KEY = Buffer.alloc(32, 7);

const unheard = () => undefined;

interface Carriers {
  /** Runs a relay of these campaigns until the test ends. */
  relay(only: readonly string[]): void;
  open(name: string): TicketSource;
}

/** On a topic and in a group of the test's own. */
export async function startCarriers(
  t: TestContext,
  { redis, claimIdleMs, batchMax }: { redis: RedisClient; claimIdleMs: number; batchMax: number },
): Promise<Carriers> {
  const topic = await ownTopic(t, { partitions: PARTITIONS });
  const brokers = kafkaBrokers().map((broker) => {
    const [host, port] = broker.split(':') as [string, string];
    return { host, port: Number(port) };
  });
  const kafka = { brokers, tls: undefined, sasl: undefined, group: uniqueName('group') };
  const producer = openProducer(kafka, 'test-relay');
  t.onTestFinished(() => producer.close());
  return {
    relay(only) {
      const ended = new AbortController();
      const carriedTo = (gate: Parameters<typeof readCarriedTo>[1]) => readCarriedTo(redis, gate);
      const running = relayTickets(
        {
          openSource: () =>
            openSource({ redis, only, name: RELAY, batchMax: limits.workBatchMax, claimIdleMs, carriedTo }),
          takeLease: () => takeLease(redis, `lease:${topic}`, 'test'),
          send: createSender(producer, topic, SEAL_KEY),
          noteCarried: (batch) => noteCarriedTo(redis, batch),
          lookForLost: async () => undefined,
          lookForLostMs: claimIdleMs,
          lookAtLag: async () => undefined,
          onCarried: unheard,
          onError: unheard,
        },
        ended.signal,
      );
      t.onTestFinished(async () => {
        ended.abort();
        await running;
      });
    },
    open: (name) =>
      createKafkaSource({
        ...openMember(kafka, name),
        topic,
        sealKey: SEAL_KEY,
        claim: (of) => claimCarried(redis, of),
        batchMax,
        claimIdleMs,
        inHandMax: 10_000,
        onLook: unheard,
        onError: unheard,
      }),
  };
}
