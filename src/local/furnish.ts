// Gives a process what its configuration leaves out: in the local profile servers, secrets and workers of its own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { waitsForDisk } from '../domain/durability.ts';
import { environmentKey, environmentTicketKeys } from '../domain/environment-keys.ts';
import type { ServerPackage } from '../domain/server-package.ts';
import type { TicketKeys } from '../domain/ticket.ts';
import type { ScaleReadings } from './autoscaler.ts';
import { writeWhole } from './data-folder.ts';
import { type OwnWorkers, startOwnWorkers } from './own-workers.ts';
import { localSecrets } from './secrets.ts';
import { startLocalServices } from './services.ts';

export interface Furnished extends AsyncDisposable {
  redisUrl: string;
  databaseUrl: string;
  adminToken: string;
  /** Both keys are those of this environment. */
  ticketKeys: TicketKeys;
  couponKey: Buffer;
  dataDir: string;
  /** True when secrets were made at this start. */
  madeSecrets: boolean;
  /** What a person at the terminal should know of it, a line each. */
  banner: string[];
  /** Starts worker processes, as many as WORKERS says; a worker that dies is started again. */
  startWorkers(readings: ScaleReadings): Promise<OwnWorkers>;
}

/** Rejects when a server cannot be started or the data folder is in use. */
export async function furnish(config: Config, report: (line: string) => void): Promise<Furnished> {
  const services = await startLocalServices({
    dataDir: config.dataDir,
    redis: config.redisUrl === undefined,
    database: config.databaseUrl === undefined,
    report,
    appendfsync: waitsForDisk(config.durability) ? 'always' : 'everysec',
  });
  const needsSecrets = !(config.admin.token && config.ticketKeys && config.couponKey);
  const secrets = needsSecrets ? localSecrets(config.dataDir) : undefined;
  const redisUrl = config.redisUrl ?? services.redisUrl!;
  const databaseUrl = config.databaseUrl ?? services.databaseUrl!;
  const couponKey = config.couponKey ?? Buffer.from(secrets!.couponKey, 'hex');
  const ticketKeys = config.ticketKeys ?? { current: 1, keys: new Map([[1, Buffer.from(secrets!.ticketKey, 'hex')]]) };
  const { redisPackage } = services;
  const { environmentName } = config;
  if (config.profile === 'local') noteServices(config.dataDir, { redisUrl, databaseUrl, redisPackage });
  return {
    redisUrl,
    databaseUrl,
    couponKey: environmentKey(environmentName, 'coupon', couponKey),
    ticketKeys: environmentTicketKeys(environmentName, ticketKeys),
    adminToken: config.admin.token ?? secrets!.adminToken,
    dataDir: config.dataDir,
    madeSecrets: secrets?.made ?? false,
    banner: services.banner,
    startWorkers: (readings) =>
      startOwnWorkers({ config, redisUrl, databaseUrl, couponKey, prefix: 'local', report }, readings),
    [Symbol.asyncDispose]: () => services.close(),
  };
}

interface Noted {
  redisUrl: string;
  databaseUrl: string;
  redisPackage: ServerPackage | undefined;
}

/** For the tools that run beside this process: the rehearsal reads the ledger where it really is. */
function noteServices(dataDir: string, services: Noted): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeWhole(join(dataDir, 'services.json'), `${JSON.stringify(services, null, 2)}\n`);
}
