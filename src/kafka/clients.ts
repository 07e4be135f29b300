// Clients of Kafka's brokers, as every process of Sluice opens them: who logs in, how long they wait.
import { readFile } from 'node:fs/promises';
import { Admin, ConnectionPool, Consumer, Producer } from '@platformatic/kafka';
import type { KafkaConfig } from '../config/kafka.ts';
import { limits } from '../process/limits.ts';

/** Where the brokers are, and how a client logs in there. */
export type KafkaServer = Pick<KafkaConfig, 'brokers' | 'tls' | 'sasl'>;

/** Of `acks`: every replica that is in sync has a record before it counts as sent. */
const ALL_IN_SYNC = -1;

/** For questions about brokers, topics and groups. `name` is the client id that the brokers' logs show. */
export const openAdmin = (server: KafkaServer, name: string): Admin => new Admin(clientOf(server, name));

/** A record counts as sent when as many brokers have it as the topic's `min.insync.replicas`, and is there once for each `send`. */
export const openProducer = (server: KafkaServer, name: string): Producer =>
  new Producer({ ...clientOf(server, name), idempotent: true, acks: ALL_IN_SYNC });

export interface KafkaMember {
  /** Of the classic protocol, moving as few partitions as it can; it commits nothing by itself. */
  consumer: Consumer;
  /** For its fetches alone: a broker answers the requests of a connection one after the other, and a fetch waits. */
  fetchPool: ConnectionPool;
}

/**
 * A member of the workers' group that has not joined yet; the caller closes both. `name` is the worker's: one that starts again
 * under the same name gets its partitions back without a rebalance.
 */
export function openMember(kafka: KafkaServer & Pick<KafkaConfig, 'group'>, name: string): KafkaMember {
  const client = clientOf(kafka, `sluice-worker:${name}`);
  const consumer = new Consumer({
    ...client,
    groupId: kafka.group,
    groupInstanceId: name,
    autocommit: false,
    sessionTimeout: limits.kafkaSessionMs,
    rebalanceTimeout: limits.kafkaRebalanceMs,
    heartbeatInterval: limits.kafkaHeartbeatMs,
    protocols: [{ name: 'cooperative-sticky', version: 1 }],
  });
  const { clientId, bootstrapBrokers: _, timeout, ...connection } = client;
  return { consumer, fetchPool: new ConnectionPool(clientId, { ...connection, requestTimeout: timeout }) };
}

function clientOf({ brokers, tls, sasl }: KafkaServer, clientId: string) {
  return {
    clientId,
    bootstrapBrokers: brokers.map(({ host, port }) => ({ host, port })),
    connectTimeout: limits.kafkaConnectMs,
    timeout: limits.kafkaRequestMs,
    retries: limits.kafkaRetriesMax,
    retryDelay: limits.kafkaRetryMs,
    ...(tls === undefined ? {} : { tls: given(tls) }),
    ...(sasl === undefined ? {} : { sasl: loginOf(sasl) }),
  };
}

function loginOf(sasl: NonNullable<KafkaServer['sasl']>) {
  if (sasl.mechanism !== 'OAUTHBEARER') {
    return { mechanism: sasl.mechanism, username: sasl.user, password: sasl.password };
  }
  const { mechanism, tokenFile } = sasl;
  // For every connection: a token lives for minutes.
  return { mechanism, token: async () => (await readFile(tokenFile, 'utf8')).trim() };
}

/** Without what is undefined: Node takes it for a certificate. */
const given = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<{
    [name in keyof T]: NonNullable<T[name]>;
  }>;
