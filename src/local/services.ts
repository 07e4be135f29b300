// The private Redis and database of a Sluice that was given none: started together, on one data folder, closed with it.
import type { ServerPackage } from '../domain/server-package.ts';
import { serverSearchPath } from './binaries.mjs';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { startDatabaseServer } from './database-server.ts';
import { type RedisDurability, startRedisServer } from './redis-server.ts';
import type { LocalServer } from './server-process.ts';

export interface LocalServicesOptions extends RedisDurability {
  dataDir: string;
  /** Which of the two to start; false where an address was given. */
  redis: boolean;
  database: boolean;
  /** Told, in one line each, what a person at the terminal should know. */
  report: (line: string) => void;
  /** Where to look for the server programs. */
  searchPath?: readonly string[];
}

export interface LocalServices extends AsyncDisposable {
  redisUrl?: string;
  databaseUrl?: string;
  /** Of the program that the private Redis runs. */
  redisPackage?: ServerPackage;
  /** One line for each server: product, version, port, data. */
  banner: string[];
  /** Stops the servers and gives the data folder free. Returns when their processes are gone; may be called again. */
  close(): Promise<void>;
}

/**
 * Starts what is asked for and resolves when all of it answers. Servers that die are started again on the same port and
 * data. Throws a `conflict` Fault when another Sluice uses the data folder, `not-found` when a program is missing;
 * whatever was started by then is stopped.
 */
export async function startLocalServices(options: LocalServicesOptions): Promise<LocalServices> {
  if (!options.redis && !options.database) return gathered([], undefined, undefined, undefined);
  const searchPath = options.searchPath ?? serverSearchPath();
  const folder = openDataFolder(options.dataDir);
  const shared = { ...options, searchPath, folder };
  const [redis, database] = await Promise.allSettled([
    options.redis ? startRedisServer(shared) : undefined,
    options.database ? startDatabaseServer(shared) : undefined,
  ]);
  const started = [redis, database].flatMap((start) => (start.status === 'fulfilled' ? (start.value ?? []) : []));
  if (redis.status === 'rejected' || database.status === 'rejected') {
    await stopAll(started, folder);
    throw redis.status === 'rejected' ? redis.reason : (database as PromiseRejectedResult).reason;
  }
  return gathered(started, folder, redis.value, database.value);
}

function gathered(
  started: LocalServer[],
  folder: DataFolder | undefined,
  redis: LocalServer | undefined,
  database: LocalServer | undefined,
): LocalServices {
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= stopAll(started, folder);
    return closing;
  };
  return {
    ...(redis && { redisUrl: redis.url }),
    ...(redis?.package && { redisPackage: redis.package }),
    ...(database && { databaseUrl: database.url }),
    banner: started.map((server) => server.line),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function stopAll(started: LocalServer[], folder: DataFolder | undefined): Promise<void> {
  // Both even if one fails to stop; the lock goes last, because it says that nobody else may touch the data.
  const stops = await Promise.allSettled(started.map((server) => server.stop()));
  folder?.release();
  const failed = stops.find((stop) => stop.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
