// Clients of Kafka's brokers, as every process of Sluice opens them: who logs in, how long they wait.
import { readFile } from 'node:fs/promises';
import { Admin, ConnectionPool, Consumer, Producer } from '@platformatic/kafka';
import type { KafkaConfig } from '../config/kafka.ts';

/** Where the brokers are, and how a client logs in there. */
export type KafkaServer = Pick<KafkaConfig, 'brokers' | 'tls' | 'sasl'>;

/** One request; a broker that was frozen or lost its leadership is known by then, and asked again so often. */
const REQUEST_MS = 5_000;
const CONNECT_MS = 3_000;
const ATTEMPTS_AGAIN_MAX = 2;
const AGAIN_AFTER_MS = 200;
/** Produce requests are sent again by their caller, who knows what else was in the batch. */
const ALL_IN_SYNC = -1;

/** For questions about brokers, topics and groups. `name` is the client id that the brokers' logs show. */
export const openAdmin = (server: KafkaServer, name: string): Admin => new Admin(clientOf(server, name));

/** A record counts as sent when as many brokers have it as the topic's `min.insync.replicas`, and is there once for each `send`. */
export const openProducer = (server: KafkaServer, name: string): Producer =>
  new Producer({ ...clientOf(server, name), idempotent: true, acks: ALL_IN_SYNC });

export interface MemberOptions {
  group: string;
  /** Of the worker. A worker that starts again under the same name gets its partitions back without a rebalance. */
  name: string;
  /** A member that is silent for this long loses its partitions. */
  sessionMs: number;
  heartbeatMs: number;
  /** How long a member may take to come back into a group whose partitions move. */
  rebalanceMs: number;
}

export interface KafkaMember {
  /** Of the classic protocol, moving as few partitions as it can; it commits nothing by itself. */
  consumer: Consumer;
  /** For its fetches alone: a broker answers the requests of a connection one after the other, and a fetch waits. */
  fetchPool: ConnectionPool;
}

/** A member of a consumer group that has not joined yet. The caller closes both. */
export function openMember(server: KafkaServer, options: MemberOptions): KafkaMember {
  const { group, name, sessionMs, heartbeatMs, rebalanceMs } = options;
  const client = clientOf(server, name);
  const consumer = new Consumer({
    ...client,
    groupId: group,
    groupInstanceId: name,
    autocommit: false,
    sessionTimeout: sessionMs,
    heartbeatInterval: heartbeatMs,
    rebalanceTimeout: rebalanceMs,
    protocols: [{ name: 'cooperative-sticky', version: 1 }],
  });
  const { clientId, bootstrapBrokers: _, timeout, ...connection } = client;
  return { consumer, fetchPool: new ConnectionPool(clientId, { ...connection, requestTimeout: timeout }) };
}

function clientOf({ brokers, tls, sasl }: KafkaServer, clientId: string) {
  return {
    clientId,
    bootstrapBrokers: brokers.map(({ host, port }) => ({ host, port })),
    connectTimeout: CONNECT_MS,
    timeout: REQUEST_MS,
    retries: ATTEMPTS_AGAIN_MAX,
    retryDelay: AGAIN_AFTER_MS,
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
