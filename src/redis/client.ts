// Makes the client for an address: the same profile for one server, a primary found by Sentinels, and a Cluster.
import { Cluster, Redis } from 'ioredis';
import { limits } from '../process/limits.ts';
import { parseAddress, type RedisAddress } from './address.ts';
import { revive } from './revive.ts';

/** A connection to one Redis, or to a Cluster by way of the node that holds the key. */
export type RedisClient = Redis | Cluster;

/** How to reach Redis; every connection of a process is opened by the same. */
export interface RedisServer {
  url: string;
  /** Certificates (PEM) to trust with `rediss`, in place of those that Node trusts. */
  ca?: string | undefined;
}

/** What a connection is for. */
export interface ConnectionPurpose {
  /** Shown by CLIENT LIST. */
  name: string;
  /** A command fails after this long, whatever became of it. */
  commandMs?: number;
  /** A socket that owes an answer for this long is replaced; longer than the longest BLOCK on it. */
  silentMs: number;
  /** Null: commands wait for a connection and are sent again on the next one, as BullMQ's workers need it. */
  retries?: 0 | 1 | null;
  /** A command waits for the first connection; never on a fast path, where a caller would wait with it. */
  queue?: boolean;
  /** In a Cluster: also repeat what met a dead node, until a replica may have taken over. */
  outlastsFailover?: boolean;
}

const RECONNECT_MS = 50;

const reconnectMs = (attempt: number): number =>
  Math.min(RECONNECT_MS * 2 ** Math.min(attempt, 6), 1_000) + Math.random() * 50;

/** Nothing is sent before `connect()`, except with a `queue`. */
export function createClient(server: RedisServer, profile: ConnectionPurpose): RedisClient {
  const address = parseAddress(server.url);
  const options = nodeOptions(address, server, profile);
  if (address.kind === 'cluster') return createCluster(address, options, profile);
  const { queue = false } = profile;
  const redis = new Redis({
    ...options,
    db: address.db,
    lazyConnect: !queue,
    enableOfflineQueue: queue,
    retryStrategy: reconnectMs,
    // Who answers this was demoted: the next connection asks anew where the primary is. The command is not sent again.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(address.kind === 'single' ? address.at : sentinelOptions(address, options.tls)),
  });
  return address.kind === 'sentinel' ? revive(redis, RECONNECT_MS) : redis;
}

type NodeOptions = ReturnType<typeof nodeOptions>;

/** What every connection to a server that holds data has. */
function nodeOptions(
  address: RedisAddress,
  { ca }: RedisServer,
  { name, commandMs, silentMs, retries = 0 }: ConnectionPurpose,
) {
  return {
    protocol: 2 as const,
    connectionName: name,
    connectTimeout: 2_000,
    // A peer that is hung does not answer the end of a connection either.
    disconnectTimeout: 200,
    socketTimeout: silentMs,
    maxRetriesPerRequest: retries,
    // Scripts are idempotent, so resending would be harmless; it would also keep work alive that nobody waits for.
    // With retries it has to be: a command that is neither sent again nor at its last retry never settles.
    autoResendUnfulfilledCommands: retries !== 0,
    ...(commandMs !== undefined && { commandTimeout: commandMs }),
    ...(address.tls && { tls: ca === undefined ? {} : { ca } }),
    ...address.credentials,
  };
}

function sentinelOptions(address: RedisAddress & { kind: 'sentinel' }, tls: NodeOptions['tls']) {
  const { username, password } = address.sentinelCredentials;
  return {
    sentinels: address.sentinels,
    name: address.primary,
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    // Without it a client stays with a primary that hangs, until the socket times out.
    failoverDetector: true,
    sentinelRetryStrategy: reconnectMs,
    sentinelReconnectStrategy: reconnectMs,
    // Of a Sentinel that hangs, the kernel still accepts the connection.
    sentinelCommandTimeout: 1_000,
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  };
}

function createCluster(
  address: RedisAddress & { kind: 'cluster' },
  redisOptions: NodeOptions,
  { queue = false, outlastsFailover = false }: ConnectionPurpose,
): Cluster {
  return new Cluster(address.nodes, {
    redisOptions,
    lazyConnect: !queue,
    // Of the nodes' own queues nothing is to be had: they are always on, and empty once a node is connected.
    enableOfflineQueue: queue,
    clusterRetryStrategy: reconnectMs,
    slotsRefreshInterval: 5_000,
    // 0 is for a reader that must hear of every reply it may have lost.
    retryDelayOnFailover: outlastsFailover ? limits.redirectMs : 0,
    retryDelayOnClusterDown: limits.redirectMs,
    retryDelayOnTryAgain: limits.redirectMs,
    maxRedirections: limits.redirectsMax,
    // With TLS a node is called by its name, which its certificate is checked against.
    ...(address.tls && { dnsLookup: (host, found) => found(null, host) }),
  });
}
