// A private Redis: appends every write to a log on disk, refuses instead of evicting, listens on loopback only.
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Redis } from 'ioredis';
import { Fault } from '../domain/fault.ts';
import { limits } from '../process/limits.ts';
import { findRedis, REDIS_MAJOR_MIN } from './binaries.mjs';
import { type DataFolder, keptPassword, keptPort, stopLeftover, writeWhole } from './data-folder.ts';
import { packageOf } from './server-package.ts';
import { type LocalServer, superviseServer } from './server-process.ts';

export interface RedisDurability {
  /** `always` by default: an admission that was answered is on disk. */
  appendfsync?: 'always' | 'everysec' | 'no';
  appendonly?: boolean;
}

export interface RedisServerOptions extends RedisDurability {
  folder: DataFolder;
  searchPath: readonly string[];
  report: (line: string) => void;
}

const NAME = 'redis';

/** Starts it on `<data folder>/redis` and resolves when it has loaded its data and answered PING. */
export async function startRedisServer(options: RedisServerOptions): Promise<LocalServer> {
  const { folder, searchPath, report } = options;
  const found = findRedis(searchPath);
  if (found === undefined) {
    throw new Fault('not-found', `no redis-server or valkey-server >= ${REDIS_MAJOR_MIN}.0 found; run npm start`);
  }
  const data = join(folder.path, NAME);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  await stopLeftover(folder, NAME, limits.localStopMs, report);
  const port = await keptPort(folder, NAME);
  const password = keptPassword(folder, NAME);
  const config = join(folder.path, 'redis.conf');
  writeWhole(config, configuration(options, data, port, password));

  const probe = () => ping(port, password);
  const [stop, itsPackage] = await Promise.all([
    superviseServer({ name: NAME, command: found.path, args: [config], probe, ...options }),
    packageOf(found.path),
  ]);
  return {
    url: `redis://default:${password}@127.0.0.1:${port}`,
    line: `${found.product} ${found.version}, private, port ${port}, data ${relative('', data)}`,
    package: itsPackage,
    stop,
  };
}

/** A file and not arguments: everybody on the machine can read the arguments of a process. */
function configuration(durability: RedisDurability, data: string, port: number, password: string): string {
  const { appendonly = true, appendfsync = 'always' } = durability;
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    requirepass: password,
    dir: JSON.stringify(data),
    appendonly: appendonly ? 'yes' : 'no',
    appendfsync,
    save: '""',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  return `${Object.entries(settings)
    .map(([name, value]) => `${name} ${value}`)
    .join('\n')}\n`;
}

/** PING is refused while the log is still being loaded, so an answer means that the data is there. */
async function ping(port: number, password: string): Promise<void> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    password,
    lazyConnect: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    connectTimeout: limits.localProbeMs,
    commandTimeout: limits.localProbeMs,
    retryStrategy: () => null,
  });
  // Not a word from the client about refused connections: they are what the probe is for.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}
