// Where the servers of this run are, and servers of a test's own.
import { inject, type TestContext } from 'vitest';
import { type LocalServices, type LocalServicesOptions, startLocalServices } from '../../src/local/services.ts';
import { asAdministrator } from './database-administrator.ts';
import { temporaryFolder } from './own-names.ts';

// A file that needs no more than these imports them from there, and counts as one that needs no server.
export { temporaryFolder, uniqueName } from './own-names.ts';

/**
 * The Redis that all tests share: use `uniqueName` in every key, never FLUSHALL. Files that run side by side have a database
 * of it each, so that the worker of one does not issue the tickets of another.
 */
export function redisUrl(): string {
  const url = inject('redisUrl');
  return url.startsWith('redis://') ? new URL(`/${process.env.VITEST_POOL_ID ?? 0}`, url).href : url;
}

/** The database that all tests share. */
export const databaseUrl = (): string => inject('databaseUrl');

type OwnOptions = Partial<Pick<LocalServicesOptions, 'appendfsync' | 'appendonly' | 'report' | 'searchPath'>>;

/** A Redis of the test's own, for a test that kills, fills or stops it. Gone when the test ends. */
export async function startRedis(t: TestContext, options: OwnOptions = {}): Promise<{ url: string; dataDir: string }> {
  const { services, dataDir } = await startOwn(t, { redis: true, database: false, ...options });
  return { url: services.redisUrl!, dataDir };
}

/** A database of the test's own, for a test that kills or stops it. Gone when the test ends. */
export async function startDatabase(t: TestContext, options: OwnOptions = {}) {
  const { services, dataDir } = await startOwn(t, { redis: false, database: true, ...options });
  return { url: await asAdministrator(dataDir, services.databaseUrl!), dataDir };
}

async function startOwn(
  t: TestContext,
  options: OwnOptions & { redis: boolean; database: boolean },
): Promise<{ services: LocalServices; dataDir: string }> {
  const dataDir = await temporaryFolder(t);
  const services = await startLocalServices({ report: () => undefined, ...options, dataDir });
  t.onTestFinished(() => services.close());
  return { services, dataDir };
}
