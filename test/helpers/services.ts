// Where the servers of this run are, names nobody else uses, and servers of a test's own.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, type TestContext } from 'vitest';
import { type LocalServices, type LocalServicesOptions, startLocalServices } from '../../src/local/services.ts';
import { asAdministrator } from './database-administrator.ts';

/** The Redis that all tests share: use `uniqueName` in every key, never FLUSHALL. */
export const redisUrl = (): string => inject('redisUrl');

/** The database that all tests share. */
export const databaseUrl = (): string => inject('databaseUrl');

/** `prefix-xxxxxxxx`: lower-case letters and digits, so that it is also a campaign id. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(4).toString('hex')}`;

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

/** An empty folder that is removed when the test ends. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-own-'));
  t.onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
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
