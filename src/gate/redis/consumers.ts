// Consumers that died leave their names in the group; see `lua/reap.lua` for why they must be empty to go.
import { type RedisClient, redisFault } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';

const reap = loadScript('reap');

/** Deletes silent, empty consumers of a campaign; returns how many. Throws a Fault. */
export async function reapConsumers(
  redis: RedisClient,
  campaign: string,
  shards: number,
  idleMs: number,
): Promise<number> {
  let deleted = 0;
  for (let shard = 0; shard < shards; shard += 1) {
    const reply = await runScript(redis, reap, [keys.work(campaign, shard)], [GROUP, idleMs]).catch(
      (error: unknown) => {
        if (String(error).includes('NOGROUP')) return 0;
        throw redisFault(error);
      },
    );
    deleted += reply as number;
  }
  return deleted;
}
