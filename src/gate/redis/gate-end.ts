// The end of a gate: shut once its campaign is over, and its keys deleted once the ledger says that it is archived.

import { limits } from '../../process/limits.ts';
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { GateEnd, GateKeys } from '../port.ts';

const archive = loadScript('archive');

export const createGateEnd = (redis: RedisClient): GateEnd => ({
  async shut(campaign, to) {
    const names = [keys.gate(campaign.id), keys.free(campaign.id)];
    const reply = await runScript(redis, archive, names, [campaign.epoch, to, campaign.version]).catch(rethrow);
    const [leftCount, admittedCount] = reply as [number, number];
    return leftCount < 0 ? undefined : { leftCount, admittedCount };
  },
  async countKeys(campaign) {
    let count = 0;
    for (const names of pieces(campaign)) count += await redis.exists(...names).catch(rethrow);
    return count;
  },
  async deleteKeys(campaign) {
    let count = 0;
    for (const names of pieces(campaign)) count += await redis.unlink(...names).catch(rethrow);
    return count;
  },
});

/** All names of keys that a campaign may have, some at a time; in a Cluster all of them are in one slot. */
function* pieces(campaign: GateKeys): Iterable<string[]> {
  yield keys.ofCampaign(campaign);
  for (let from = 0; from < campaign.buckets; from += limits.keysPerDelete) {
    const count = Math.min(limits.keysPerDelete, campaign.buckets - from);
    yield Array.from({ length: count }, (_, index) => keys.users(campaign.id, from + index));
  }
}
