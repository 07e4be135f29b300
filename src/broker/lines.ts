// The lines of the lanes, as a worker reads them: `lua/prelude/turns.lua` has what a line is.
import { isFault } from '../domain/fault.ts';
import type { RedisClient } from '../redis/connection.ts';
import { keys } from '../redis/keys.ts';
import { type Read, readAll, readWhole } from '../redis/reads.ts';
import type { OpenGate } from './campaign-streams.ts';

export interface InLine {
  campaign: string;
  /** Of its lane, among those that were read. */
  laneAt: number;
  /** Puts it at the end of its line, where it still is in it. */
  moveBack: Read;
}

/** The first `most` of each line, those in front before the others, beginning with the line of the lane at `first`. Throws a Fault. */
export async function readLines(
  redis: RedisClient,
  lanes: readonly number[],
  most: number,
  first: number,
): Promise<InLine[]> {
  const replies = (await readWhole(
    redis,
    lanes.flatMap((lane) => [
      ['zrange', keys.turnsOfLane(lane), 0, most - 1],
      ['zrevrange', keys.turnsOfLane(lane), 0, 0, 'WITHSCORES'],
    ]),
  )) as string[][];
  const lines = lanes.map((lane, laneAt) => {
    const end = Number(replies[2 * laneAt + 1]![1] ?? 0) + 1;
    return replies[2 * laneAt]!.map((campaign, behind): InLine => {
      return { campaign, laneAt, moveBack: ['zadd', keys.turnsOfLane(lane), 'XX', end + behind, campaign] };
    });
  });
  const rotated = [...lines.slice(first % lanes.length), ...lines.slice(0, first % lanes.length)];
  const longest = Math.max(...lines.map((line) => line.length));
  return Array.from({ length: longest }, (_, at) => rotated.flatMap((line) => line[at] ?? [])).flat();
}

/** The gates in that order: a Fault where one cannot be read, undefined where there is none with tickets that wait. */
export async function readOpenGates(
  redis: RedisClient,
  campaigns: readonly string[],
): Promise<(OpenGate | Error | undefined)[]> {
  const fields = ['epoch', 'shards', 'seq', 'settled'];
  const replies = await readAll(
    redis,
    campaigns.map((campaign) => ['hmget', keys.gate(campaign), ...fields]),
  );
  return replies.map((reply) => {
    if (isFault(reply)) return reply;
    const [epoch, shards, seq, settled] = (reply as (string | null)[]).map((text) => Number(text ?? 0));
    const waitingCount = seq! - settled!;
    const isOpen = epoch! > 0 && Number.isInteger(shards) && shards! > 0 && waitingCount > 0;
    return isOpen ? { epoch: epoch!, shards: shards!, waitingCount } : undefined;
  });
}
