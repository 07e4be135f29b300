// Where a case plays: private stores, fronts, workers and proxies between them, all gone when the case is over.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts';
import { type Kafka, type KafkaOptions, startKafka } from '../../kafka/broker.ts';
import { type Chance, chanceOf } from '../chance.ts';
import type { Child } from './child.ts';
import { type Database, type DatabaseServer, makeDatabase, startDatabaseServer } from './database-server.ts';
import { type RedisOptions, type RedisServer, startRedisServer } from './redis-server.ts';
import { openSale, type Sale, type SaleSettings } from './sale.ts';
import { openScope, type Scope } from './scope.ts';
import { type Front, startFront, startWorker } from './sluice.ts';

export interface HouseOptions {
  /** Names of the workers to start with. */
  workers?: readonly string[];
  redis?: RedisOptions;
  /** `name:password` of the user that fronts and workers are in Redis; the harness stays the default user. */
  redisUser?: string;
  /** A database server of its own, for a case that hurts it; below this folder when one is named. */
  ownDatabase?: boolean | string;
  /** Settings of the front's environment. */
  front?: Record<string, string>;
  /** Settings of every worker's environment. */
  worker?: Record<string, string>;
  /** The code that fronts and workers run. */
  root?: string;
  /**
   * Fronts and workers reach their stores without the proxies. These are of this process: a large crowd, which is too, would
   * hold them up for seconds, and the case would see a slow Redis that nothing hurt.
   */
  direct?: boolean;
  /** Brokers that carry the tickets to workers, which read them as one group. */
  kafka?: KafkaOptions;
}

/** A front, workers and their stores, with a proxy on every link that passes all until it is told otherwise. */
export interface House {
  redis: RedisServer;
  database: Database;
  /** Undefined where the server is shared. */
  databaseServer: DatabaseServer | undefined;
  /** Undefined where Redis Streams carry the tickets. */
  kafka: (Kafka & { topic: string; group: string }) | undefined;
  front: Front;
  workers: Map<string, Child>;
  links: { frontRedis: TcpProxy; frontDatabase: TcpProxy; workerRedis: TcpProxy; workerDatabase: TcpProxy };
  /** Starts a worker, or one that ended again under its name. */
  startWorker: (name: string, environment?: Record<string, string>) => Promise<Child>;
  openSale: (settings: SaleSettings) => Promise<Sale>;
}

export interface Stage {
  seed: string;
  chance: Chance;
  folder: string;
  scope: Scope;
  house: (options?: HouseOptions) => Promise<House>;
  /** Gives everything back; the folder stays when it is to be kept. */
  close: (keepsFolder: boolean) => Promise<void>;
}

export interface StageDeps {
  seed: string;
  /** A database server for all cases that do not hurt theirs. */
  sharedDatabaseUrl: () => Promise<string>;
}

const NAMES = { topic: 'tickets', group: 'issuers' };

async function startBrokers(scope: Scope, options: KafkaOptions): Promise<Kafka> {
  const kafka = await startKafka(options);
  scope.onTestFinished(() => kafka.stop());
  return kafka;
}

const throughKafka = ({ brokers }: Kafka, { nodes = 1 }: KafkaOptions) => ({
  BROKER: 'kafka',
  KAFKA_BROKERS: brokers.join(','),
  KAFKA_TOPIC: NAMES.topic,
  KAFKA_GROUP: NAMES.group,
  KAFKA_PARTITIONS: '6',
  KAFKA_REPLICATION: String(nodes),
});

export function openStage({ seed, sharedDatabaseUrl }: StageDeps): Stage {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
  const scope = openScope();
  const chance = chanceOf(seed);

  async function house(options: HouseOptions = {}): Promise<House> {
    const { ownDatabase = false, direct = false, root } = options;
    const [redis, databaseServer, kafka] = await Promise.all([
      startRedisServer(scope, folder, options.redis),
      ownDatabase === false
        ? undefined
        : startDatabaseServer(scope, typeof ownDatabase === 'string' ? ownDatabase : folder),
      options.kafka && startBrokers(scope, options.kafka),
    ]);
    const database = databaseServer ?? (await makeDatabase(scope, await sharedDatabaseUrl()));
    const links = {
      frontRedis: await startTcpProxy(scope, redis.url),
      frontDatabase: await startTcpProxy(scope, database.url),
      workerRedis: await startTcpProxy(scope, redis.url),
      workerDatabase: await startTcpProxy(scope, database.url),
    };
    const reached = (link: TcpProxy, url: string) => (direct ? url : link.url);
    const userOf = (url: string) =>
      url.replace('://', options.redisUser === undefined ? '://' : `://${options.redisUser}@`);
    const code = { folder, ...(root !== undefined && { root }) };
    const front = await startFront(scope, {
      ...code,
      redisUrl: userOf(reached(links.frontRedis, redis.url)),
      databaseUrl: reached(links.frontDatabase, database.url),
      environment: options.front ?? {},
    });
    const workers = new Map<string, Child>();
    const workerStores = {
      redisUrl: userOf(reached(links.workerRedis, redis.url)),
      databaseUrl: reached(links.workerDatabase, database.url),
    };
    const another = async (name: string, environment: Record<string, string> = {}) => {
      const all = { ...(kafka && throughKafka(kafka, options.kafka!)), ...options.worker, ...environment };
      const worker = await startWorker(scope, name, { ...code, ...workerStores, environment: all });
      workers.set(name, worker);
      return worker;
    };
    await Promise.all((options.workers ?? []).map((name) => another(name)));
    let saleCount = 0;
    return {
      redis,
      database,
      databaseServer,
      kafka: kafka && { ...kafka, ...NAMES },
      front,
      workers,
      links,
      startWorker: another,
      openSale: (settings) => {
        saleCount += 1;
        const id = `sale-${saleCount}`;
        const { url, adminUrl } = front;
        return openSale({ scope, url, adminUrl, redis: redis.raw, connect: database.connect, chance, id }, settings);
      },
    };
  }

  return {
    seed,
    chance,
    folder,
    scope,
    house,
    close: async (keepsFolder) => {
      await scope.close();
      if (!keepsFolder) rmSync(folder, { recursive: true, force: true });
    },
  };
}
