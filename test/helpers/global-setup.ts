// One Redis and one database for the whole run: private ones, or those of TEST_REDIS_URL and TEST_DATABASE_URL, or a
// Redis of several servers where the configuration of the run asks for one (see test/topology/config.ts).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/ledger/migrate.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import { startLocalServices } from '../../src/local/services.ts';
import { startCluster } from '../topology/cluster.ts';
import { startSentinels } from '../topology/sentinel.ts';
import { asAdministrator } from './database-administrator.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What Redis of the run is made of; one server unless the configuration of the run says otherwise. */
    topology?: 'cluster' | 'sentinel';
    redisUrl: string;
    databaseUrl: string;
  }
}

/** Starts the servers, prepares them and tells the tests where they are. Returns the teardown. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { TEST_REDIS_URL, TEST_DATABASE_URL } = process.env;
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  const { topology } = project.config.provide;
  const several = topology && (await (topology === 'cluster' ? startCluster() : startSentinels()));
  const givenRedis = several?.url || TEST_REDIS_URL;
  const services = await startLocalServices({
    dataDir,
    redis: !givenRedis,
    database: !TEST_DATABASE_URL,
    // The tests that are about durability start their own server; the others need not wait for the disk.
    appendfsync: 'everysec',
    report: (line) => console.error(`test services: ${line}`),
  });
  const teardown = async () => {
    await services.close();
    await several?.[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    refuseOtherLane(services.banner);
    const redisUrl = (givenRedis || services.redisUrl)!;
    const databaseUrl = TEST_DATABASE_URL || (await asAdministrator(dataDir, services.databaseUrl!));
    await prepare(databaseUrl);
    project.provide('redisUrl', redisUrl);
    project.provide('databaseUrl', databaseUrl);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

/** A lane that found another product than its own would have tested nothing. */
function refuseOtherLane(banner: readonly string[]): void {
  const { TEST_LANE } = process.env;
  if (TEST_LANE === undefined || banner.some((line) => line.toLowerCase().startsWith(TEST_LANE))) return;
  throw new Error(
    `the lane ${TEST_LANE} found ${banner.join('; ') || 'the servers of TEST_REDIS_URL and TEST_DATABASE_URL'}`,
  );
}

/** What every test may take for granted about the servers. */
async function prepare(databaseUrl: string): Promise<void> {
  const limits = { connectionMax: 2, queueMax: 0, acquireMs: 5_000, statementMs: 20_000 };
  await using ledger = openLedger({ url: databaseUrl, name: 'test', ...limits });
  await migrate(ledger);
}
