// The group that reads the work streams. Its pending entries are what is not settled, so it belongs to the gate.
import { type RedisClient, redisFault } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';

/** Makes the groups of a campaign's shards where they are missing. Throws a Fault. */
export async function ensureGroups(redis: RedisClient, campaign: string, shards: number): Promise<void> {
  await Promise.all(Array.from({ length: shards }, (_, shard) => ensureGroup(redis, campaign, shard)));
}

/** From `0`, never from `$`: a group that is made again must see the backlog. */
export async function ensureGroup(redis: RedisClient, campaign: string, shard: number): Promise<void> {
  const work = keys.work(campaign, shard);
  await redis.xgroup('CREATE', work, GROUP, '0', 'MKSTREAM').catch(async (error: unknown) => {
    if (String(error).includes('BUSYGROUP')) return;
    // Full memory refuses a group also where it stands; then working the backlog off is what helps.
    if (String(error).includes('OOM') && (await hasGroup(redis, work))) return;
    throw redisFault(error);
  });
}

async function hasGroup(redis: RedisClient, work: string): Promise<boolean> {
  const groups = (await redis.xinfo('GROUPS', work).catch(() => [])) as unknown[][];
  return groups.some((group) => group[group.indexOf('name') + 1] === GROUP);
}
