// How much memory a Redis uses, and how its forks and saves went.
import { primariesOf, type RedisClient, rethrow } from './connection.ts';
import { infoOf } from './server-info.ts';

export interface RedisMemory {
  usedBytes: number;
  /** 0 for no limit. */
  maxBytes: number;
  /** How long the last fork took, for a rewrite of the log or a snapshot; Redis answers nothing meanwhile. */
  forkSeconds: number;
  /** Whether the last rewrite of the log and the last snapshot went well. */
  isSaved: boolean;
}

/** Of the primary that has the most memory in use for what it may have. Throws a Fault. */
export async function readMemory(redis: RedisClient): Promise<RedisMemory | undefined> {
  const found = await Promise.all(primariesOf(redis).map(memoryOf)).catch(rethrow);
  return found.toSorted((one, other) => fullness(other) - fullness(one))[0];
}

/** Where there is no limit the one that uses most is the fullest. */
const fullness = ({ usedBytes, maxBytes }: RedisMemory): number => usedBytes / (maxBytes || Number.MAX_SAFE_INTEGER);

async function memoryOf(server: ReturnType<typeof primariesOf>[number]): Promise<RedisMemory> {
  const [memory, stats, persistence] = await Promise.all([
    infoOf(server, 'memory'),
    infoOf(server, 'stats'),
    infoOf(server, 'persistence'),
  ]);
  return {
    usedBytes: Number(memory.used_memory),
    maxBytes: Number(memory.maxmemory),
    forkSeconds: Number(stats.latest_fork_usec) / 1e6,
    isSaved: [
      persistence.aof_last_write_status,
      persistence.aof_last_bgrewrite_status,
      persistence.rdb_last_bgsave_status,
    ].every((status) => status === undefined || status === 'ok'),
  };
}
