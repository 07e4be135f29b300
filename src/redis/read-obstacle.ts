// Why a worker cannot read work, as a slug for `/readyz`, the worker's report and the doctor.
import type { RedisClient } from './connection.ts';
import { readConnectionUse } from './connection-use.ts';

/** Redis's refusals begin with such a word: NOPERM, MISCONF, LOADING, CLUSTERDOWN. */
const REFUSAL = /^([A-Z]{4,})\b/;

/**
 * `error` is what the read ended with; `redis` is the connection for commands, which may be asked while that of the reads
 * is refused. Some of Redis's clients read no reason when it is full, only that the connection ended. Never rejects.
 */
export async function readObstacle(redis: RedisClient, error: unknown): Promise<string> {
  const [, word] = REFUSAL.exec(error instanceof Error ? error.message : String(error)) ?? [];
  if (word !== undefined) return `redis-refuses-reads:${word}`;
  const use = await readConnectionUse(redis).catch(() => undefined);
  return use !== undefined && use.open >= use.max ? 'redis-maxclients-reached' : 'redis-reads-unanswered';
}
