// What a front of the local profile wrote down about its private servers when it started.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { ServerPackage } from '../domain/server-package.ts';

export interface NotedServices {
  redisUrl?: string;
  databaseUrl?: string;
  /** Of the private Redis. */
  redisPackage?: ServerPackage;
}

/** Empty in production, and where no front has run on the data folder. */
export function notedServices({ profile, dataDir }: Pick<Config, 'profile' | 'dataDir'>): NotedServices {
  if (profile !== 'local') return {};
  try {
    return JSON.parse(readFileSync(join(dataDir, 'services.json'), 'utf8')) as NotedServices;
  } catch {
    return {};
  }
}

/** The package of the Redis that the configuration names, which says nothing of any other Redis. */
export function notedRedisPackage(config: Pick<Config, 'profile' | 'dataDir' | 'redisUrl'>): ServerPackage | undefined {
  const { redisUrl, redisPackage } = notedServices(config);
  return config.redisUrl === undefined || config.redisUrl === redisUrl ? redisPackage : undefined;
}
