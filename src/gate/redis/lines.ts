// The lines of the lanes as a whole; `lua/prelude/turns.lua` has what a line is.
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { LANE_TAGS } from '../../redis/lanes.ts';
import { readWhole } from '../../redis/reads.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { Lines } from '../port.ts';
import { countWaiting, readWaiting } from './waiting.ts';

const checkTurn = loadScript('check-turn');

/** A place in line that no script gives, and behind which nobody could stand. */
const PLACE_MAX = Number.MAX_SAFE_INTEGER;

export const createLines = (redis: RedisClient): Lines => ({
  async campaigns() {
    await readWhole(
      redis,
      LANE_TAGS.map((_, lane) => ['zremrangebyscore', keys.turnsOfLane(lane), PLACE_MAX, '+inf']),
    );
    return readLines(redis);
  },
  waiting: async () => readWaiting(redis, await readLines(redis)),
  waitingCount: async () => countWaiting(redis, await readLines(redis)),
  check: async (campaign) =>
    (await runScript(redis, checkTurn, [keys.gate(campaign), keys.turns(campaign)], [campaign]).catch(rethrow)) === 1,
  async remove(campaign) {
    await redis.zrem(keys.turns(campaign), campaign).catch(rethrow);
  },
  takeSweep: async (holder, ms) => (await redis.set(keys.sweep, holder, 'PX', ms, 'NX').catch(rethrow)) === 'OK',
});

/** The campaigns that are in line, of all lanes. Throws a Fault. */
export async function readLines(redis: RedisClient): Promise<string[]> {
  const lines = await readWhole(
    redis,
    LANE_TAGS.map((_, lane) => ['zrange', keys.turnsOfLane(lane), 0, -1]),
  );
  return (lines as string[][]).flat();
}
