// The lines of the lanes, as a worker reads them: `lua/prelude/turns.lua` has what a line is.
import { type Fault, isFault } from '../domain/fault.ts';
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

/** Behind those, too, that came since the line was read: each stands one behind the other. */
const STEP_BACK = 1_000;

/** A Fault where the gate cannot be read, undefined where it has no tickets that wait. */
export type GateFound = OpenGate | Fault | undefined;

/** What a worker knows of its lanes when it takes a turn: the campaigns in line and their gates, both of one moment. */
export interface Look {
  /** By lane. */
  lines: readonly InLine[][];
  gates: ReadonlyMap<string, GateFound>;
  /** By `performance.now()`, before it was asked. */
  askedAt: number;
}

/** What tells the next look, read beside something else. */
export interface NextLook {
  reads: readonly Read[];
  /** Undefined where a line has a campaign by then that was not in it, or cannot be read. */
  lookOf: (replies: readonly unknown[]) => Look | undefined;
}

/** Looks at the first `most` of each line. Throws a Fault when the lines cannot be read. */
export async function lookAt(redis: RedisClient, lanes: readonly number[], most: number): Promise<Look> {
  const askedAt = performance.now();
  const lines = linesOf(lanes, await readWhole(redis, lineReads(lanes, most)));
  const campaigns = lines.flat().map(({ campaign }) => campaign);
  return { lines, gates: await readOpenGates(redis, campaigns), askedAt };
}

/** For lines that were seen to their end: the same campaigns will be in them, nearly always. Undefined for longer ones. */
export function nextLook({ lines }: Look, lanes: readonly number[], most: number): NextLook | undefined {
  if (lines.some((line) => line.length >= most)) return undefined;
  const askedAt = performance.now();
  const ofLines = lineReads(lanes, most);
  const campaigns = lines.flat().map(({ campaign }) => campaign);
  return {
    reads: [...ofLines, ...campaigns.map(gateRead)],
    lookOf(replies) {
      if (replies.slice(0, ofLines.length).some((reply) => isFault(reply))) return undefined;
      const found = linesOf(lanes, replies);
      const gates = new Map(campaigns.map((campaign, at) => [campaign, gateOf(replies[ofLines.length + at])]));
      return found.flat().every(({ campaign }) => gates.has(campaign)) ? { lines: found, gates, askedAt } : undefined;
    },
  };
}

/** All that are in line, those in front before the others, beginning with the line of the lane at `first`. */
export function inTurn(lines: readonly InLine[][], first: number): InLine[] {
  const rotated = [...lines.slice(first % lines.length), ...lines.slice(0, first % lines.length)];
  const longest = Math.max(...lines.map((line) => line.length));
  return Array.from({ length: longest }, (_, at) => rotated.flatMap((line) => line[at] ?? [])).flat();
}

/** The gates of these campaigns as they are now. Never rejects. */
export async function readOpenGates(
  redis: RedisClient,
  campaigns: readonly string[],
): Promise<ReadonlyMap<string, GateFound>> {
  const replies = await readAll(redis, campaigns.map(gateRead));
  return new Map(campaigns.map((campaign, at) => [campaign, gateOf(replies[at])]));
}

const lineReads = (lanes: readonly number[], most: number): Read[] =>
  lanes.flatMap((lane): Read[] => [
    ['zrange', keys.turnsOfLane(lane), 0, most - 1],
    ['zrevrange', keys.turnsOfLane(lane), 0, 0, 'WITHSCORES'],
  ]);

function linesOf(lanes: readonly number[], replies: readonly unknown[]): InLine[][] {
  return lanes.map((lane, laneAt) => {
    const [line, last] = replies.slice(2 * laneAt, 2 * laneAt + 2) as string[][];
    const end = Number(last![1] ?? 0) + STEP_BACK;
    return line!.map((campaign, behind): InLine => {
      return { campaign, laneAt, moveBack: ['zadd', keys.turnsOfLane(lane), 'XX', end + behind, campaign] };
    });
  });
}

const gateRead = (campaign: string): Read => ['hmget', keys.gate(campaign), 'epoch', 'shards', 'seq', 'settled'];

function gateOf(reply: unknown): GateFound {
  if (isFault(reply)) return reply;
  const [epoch, shards, seq, settled] = (reply as (string | null)[]).map((text) => Number(text ?? 0));
  const waitingCount = seq! - settled!;
  const isOpen = epoch! > 0 && Number.isInteger(shards) && shards! > 0 && waitingCount > 0;
  return isOpen ? { epoch: epoch!, shards: shards!, waitingCount } : undefined;
}
