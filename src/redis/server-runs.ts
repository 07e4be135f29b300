// The run id of a server: another one each time the server is started.
import type { Redis } from 'ioredis';
import { Fault } from '../domain/fault.ts';
import { primariesOf, type RedisClient, rethrow } from './connection.ts';
import { infoOf } from './server-info.ts';

/** Throws `redis-unavailable` where the server does not say, as behind a proxy that answers INFO by itself. */
export async function runIdOf(server: Redis): Promise<string> {
  const { run_id: told } = await infoOf(server, 'server');
  if (told === undefined) throw new Fault('redis-unavailable', 'Redis did not send its run id', { retryable: true });
  return told;
}

/** Those of all servers that may have gates. */
export async function runIdsOf(redis: RedisClient): Promise<ReadonlySet<string>> {
  return new Set(await Promise.all(primariesOf(redis).map(runIdOf)).catch(rethrow));
}
