// How many connections a Redis has open and how many it allows.
import type { ConnectionUse } from '../domain/connection-use.ts';
import { primariesOf, type RedisClient, rethrow } from './connection.ts';
import { infoOf } from './server-info.ts';

/** Of the primary that is nearest to its limit; undefined where INFO does not say it. Throws a Fault. */
export async function readConnectionUse(redis: RedisClient): Promise<ConnectionUse | undefined> {
  const uses = await Promise.all(primariesOf(redis).map(useOf)).catch(rethrow);
  return uses.filter((use) => use !== undefined).toSorted((a, b) => b.open / b.max - a.open / a.max)[0];
}

async function useOf(server: ReturnType<typeof primariesOf>[number]): Promise<ConnectionUse | undefined> {
  const { connected_clients: open, maxclients: max } = await infoOf(server, 'clients');
  return open === undefined || max === undefined ? undefined : { open: Number(open), max: Number(max) };
}
