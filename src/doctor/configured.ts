// What a process of a configuration promises, wants and shows.
import type { Config } from '../config/config.ts';
import { limits } from '../process/limits.ts';
import type { Patient } from './examine.ts';
import { notedRedisPackage } from './noted-services.ts';
import { OTHER_CONNECTIONS } from './open-files.ts';

/** Of a front's own: one for operators, one for tickets that are given back. */
const FRONT_POOLS = 2;

type Promised = Omit<Patient, 'redis' | 'ledger'>;

/** A front with the workers it starts. It migrates the ledger when it starts. */
export function frontPromise(config: Config): Promised {
  const { admin, front, workers, identity } = config;
  const ofWorker = workerPromise(config);
  return {
    ...ofWorker,
    migrates: true,
    connectionsWanted: FRONT_POOLS * limits.adminConnectionsMax + workers.count * workers.connections,
    openConnectionsWanted: limits.connectionsMax + OTHER_CONNECTIONS,
    redisConnectionsWanted: limits.frontRedisConnections + workers.count * limits.workerRedisConnections,
    exposure: {
      ...ofWorker.exposure,
      adminHost: admin.host,
      adminToken: admin.token,
      publicHost: front.host,
      believesBareHeader: identity.kind === 'header',
    },
  };
}

export function workerPromise(config: Config): Promised {
  const { durability, profile, telemetry, logLevel, workers } = config;
  return {
    durability,
    migrates: false,
    connectionsWanted: workers.connections,
    openConnectionsWanted: workers.connections + limits.workerRedisConnections,
    redisConnectionsWanted: limits.workerRedisConnections,
    redisPackage: notedRedisPackage(config),
    exposure: {
      production: profile === 'production',
      adminHost: undefined,
      adminToken: undefined,
      telemetryHost: telemetry.on ? telemetry.host : undefined,
      publicHost: undefined,
      believesBareHeader: false,
      logLevel,
    },
  };
}
