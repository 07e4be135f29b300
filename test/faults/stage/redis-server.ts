// A Redis of a run's own: on disk before it answers, on a free loopback port, and in our hands.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Owner } from '../../helpers/tcp-proxy.ts';
import { until } from '../../helpers/until.ts';
import { type Child, freePort, startChild } from './child.ts';
import { program } from './needs.ts';

export interface RedisOptions {
  /** Settings of redis.conf, over ours. */
  settings?: Record<string, string>;
  /** Where its data goes; a folder of the run unless given. */
  dataFolder?: string;
  /** What it is started under: strace, a namespace. */
  wrapper?: readonly string[];
  environment?: Record<string, string>;
  /** The address it listens on and is reached at. */
  host?: string;
}

export interface RedisServer {
  url: string;
  dataFolder: string;
  /** The process there is now. */
  child: () => Child;
  /** A connection past every fault, that waits for a server that is away. */
  raw: Redis;
  /** Starts it again on its data and its port. Resolves when it answers. */
  start: () => Promise<void>;
  /** Ends it, SIGKILL unless told otherwise. */
  stop: (signal?: NodeJS.Signals) => Promise<void>;
  /** Keeps a copy of its data as it is on disk; stop it first. */
  snapshot: (name: string) => void;
  /** Puts a copy back in the place of its data; stop it first. */
  restore: (name: string) => void;
  /** Takes all of its data away; stop it first. */
  erase: () => void;
  /** The file of its log that is written just now. */
  logFile: () => string;
}

const STARTED_MS = 15_000;

export async function startRedisServer(t: Owner, folder: string, options: RedisOptions = {}): Promise<RedisServer> {
  const { host = '127.0.0.1', wrapper = [], environment = {} } = options;
  const file = program('redis-server', 'valkey-server')!;
  const port = await freePort();
  const dataFolder = options.dataFolder ?? join(folder, `redis-${port}`);
  mkdirSync(dataFolder, { recursive: true });
  const settings: Record<string, string> = {
    bind: host,
    port: String(port),
    dir: dataFolder,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    'maxmemory-policy': 'noeviction',
    'protected-mode': 'no',
    'enable-debug-command': 'local',
    ...options.settings,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const url = `redis://${host}:${port}`;
  const raw = new Redis(url, { protocol: 2, maxRetriesPerRequest: null, lazyConnect: true, retryStrategy: () => 50 });
  raw.on('error', () => undefined);
  let child: Child | undefined;
  t.onTestFinished(async () => {
    raw.disconnect();
    child?.signal('SIGCONT');
    await child?.end();
  });
  const start = async () => {
    const started = startChild({ name: 'redis', folder, command: [...wrapper, file, ...args], environment });
    child = started;
    await until('Redis answers', STARTED_MS, async () => {
      if (!started.isAlive()) throw new Error(`Redis ended:\n${started.output().slice(-2_000)}`);
      return (await ask(url)) === 'PONG';
    });
  };
  await start();
  await raw.connect();
  const copies = (name: string) => join(folder, `copy-${port}-${name}`);
  return {
    url,
    dataFolder,
    child: () => child!,
    raw,
    start,
    stop: async (signal) => void (await child!.end(signal)),
    snapshot: (name) => cpSync(dataFolder, copies(name), { recursive: true }),
    restore: (name) => {
      rmSync(dataFolder, { recursive: true });
      cpSync(copies(name), dataFolder, { recursive: true });
    },
    erase: () => {
      rmSync(dataFolder, { recursive: true });
      mkdirSync(dataFolder);
    },
    logFile: () => {
      const logs = join(dataFolder, 'appendonlydir');
      return join(logs, readdirSync(logs).findLast((name) => name.endsWith('.incr.aof'))!);
    },
  };
}

/** The answer to one PING on a connection of its own; undefined when there is none within a second. */
async function ask(url: string): Promise<string | undefined> {
  const limits = { connectTimeout: 1_000, commandTimeout: 1_000, maxRetriesPerRequest: 0, retryStrategy: () => null };
  const client = new Redis(url, { ...limits, protocol: 2, lazyConnect: true, enableReadyCheck: false });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.ping();
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
}
