// The lines of the lanes as a whole; `lua/prelude/turns.lua` has what a line is.
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { LANE_TAGS } from '../../redis/lanes.ts';
import { readWhole } from '../../redis/reads.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { Lines } from '../port.ts';

const checkTurn = loadScript('check-turn');

/** A place in line that no script gives, and behind which nobody could stand. */
const PLACE_MAX = Number.MAX_SAFE_INTEGER;
const GATES_PER_READ = 500;

export const createLines = (redis: RedisClient): Lines => ({
  async campaigns() {
    await readWhole(
      redis,
      LANE_TAGS.map((_, lane) => ['zremrangebyscore', keys.turnsOfLane(lane), PLACE_MAX, '+inf']),
    );
    return readLines(redis);
  },
  async waitingCount() {
    const campaigns = await readLines(redis);
    let count = 0;
    for (let from = 0; from < campaigns.length; from += GATES_PER_READ) {
      const part = campaigns.slice(from, from + GATES_PER_READ);
      const counts = (await readWhole(
        redis,
        part.map((campaign) => ['hmget', keys.gate(campaign), 'seq', 'settled']),
      )) as (string | null)[][];
      for (const [seq, settled] of counts) count += Math.max(0, Number(seq ?? 0) - Number(settled ?? 0));
    }
    return count;
  },
  check: async (campaign) =>
    (await runScript(redis, checkTurn, [keys.gate(campaign), keys.turns(campaign)], [campaign]).catch(rethrow)) === 1,
  async remove(campaign) {
    await redis.zrem(keys.turns(campaign), campaign).catch(rethrow);
  },
  takeSweep: async (holder, ms) => (await redis.set(keys.sweep, holder, 'PX', ms, 'NX').catch(rethrow)) === 'OK',
});

async function readLines(redis: RedisClient): Promise<string[]> {
  const lines = await readWhole(
    redis,
    LANE_TAGS.map((_, lane) => ['zrange', keys.turnsOfLane(lane), 0, -1]),
  );
  return (lines as string[][]).flat();
}
