// The clients of a Kafka cluster, as the configuration says to reach it.
import { Admin, type BaseOptions, ConnectionPool, Consumer, Producer } from '@platformatic/kafka';
import type { KafkaConfig } from '../config/kafka.ts';
import { limits } from '../process/limits.ts';

function optionsOf({ brokers, tls }: KafkaConfig, clientId: string): BaseOptions {
  return {
    clientId,
    bootstrapBrokers: brokers.map(({ host, port }) => ({ host, port })),
    timeout: limits.kafkaRequestMs,
    connectTimeout: limits.kafkaConnectMs,
    retries: limits.kafkaRetriesMax,
    retryDelay: limits.kafkaRetryMs,
    ...(tls && { tls: { ca: tls.ca, cert: tls.cert, key: tls.key } }),
  };
}

export const openAdmin = (kafka: KafkaConfig, clientId: string): Admin => new Admin(optionsOf(kafka, clientId));

export const openProducer = (kafka: KafkaConfig, clientId: string): Producer =>
  new Producer({ ...optionsOf(kafka, clientId), idempotent: true, acks: -1 });

/** A member of the workers' group, static under its name, and a pool of connections for its fetches. */
export function openMember(kafka: KafkaConfig, name: string): { consumer: Consumer; fetchPool: ConnectionPool } {
  const options = optionsOf(kafka, `sluice-worker:${name}`);
  const consumer = new Consumer({
    ...options,
    groupId: kafka.group,
    groupInstanceId: name,
    autocommit: false,
    sessionTimeout: limits.kafkaSessionMs,
    rebalanceTimeout: limits.kafkaRebalanceMs,
    heartbeatInterval: limits.kafkaHeartbeatMs,
    protocols: [{ name: 'cooperative-sticky', version: 1 }],
  });
  return { consumer, fetchPool: new ConnectionPool(options.clientId, options) };
}
