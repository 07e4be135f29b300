// The questions to a gate, each one script call.
import type { Campaign } from '../../domain/campaign.ts';
import { DECISION_KINDS, type Decision } from '../../domain/decision.ts';
import { bucketOf } from '../../domain/ids.ts';
import type { Ticket } from '../../domain/ticket.ts';
import type { Exceptional, Outcome } from '../../domain/ticket-state.ts';
import { type RedisClient, redisFault } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import { encodeOutcome, readOutcome } from './outcome-text.ts';

/** One user who wants in: `tag` is `userTag(campaign, user)`, `trace` a W3C traceparent or ''. */
export interface Join {
  tag: string;
  user: string;
  trace: string;
}

/** What of the gate decides where its keys are; the same for the whole life of a gate. */
export interface GateShape {
  id: string;
  epoch: number;
  shards: number;
  buckets: number;
}

export interface AdmitReply {
  /** Epoch ms by Redis's clock. */
  now: number;
  /** Last seq given out after this batch. */
  seq: number;
  remaining: number;
  /** ms until the token bucket holds a token; 0 when it does. */
  waitMs: number;
  /** One for each join, in their order. */
  decisions: Decision[];
}

/** Where a ticket stands: at `seq` (0: settled before this gate was rebuilt) for `unit` (0: none is left for it). */
export interface Standing {
  seq: number;
  unit: number;
}

const admit = loadScript('admit');
const project = loadScript('project');
const outcome = loadScript('outcome');
const resolve = loadScript('resolve');
const takeUnit = loadScript('take-unit');
const returnUnit = loadScript('return-unit');
const readmit = loadScript('readmit');

export interface Gate {
  admit(shape: GateShape, joins: readonly Join[], deadlineMs: number): Promise<AdmitReply>;
  /** What became of the ticket of the user with this tag. */
  outcome(shape: GateShape, tag: string): Promise<{ outcome: Outcome; standing: Standing }>;
  /** Gives the holder of a ticket that this gate has lost a place again, or tells the one it has. */
  readmit(shape: GateShape, user: string, ticket: Ticket): Promise<Standing>;
  /** `create` only where the ledger says that this campaign never had a gate. */
  project(campaign: Campaign, create: boolean): Promise<'projected' | 'current' | 'missing'>;
  /** Ends a `retrying` exception; one that was issued under its place's unit is none any more. False when somebody else ended it. */
  resolve(shape: GateShape, tag: string, final: Exceptional, returnedUnit?: number): Promise<boolean>;
  /** Takes a unit for a ticket whose own is somebody else's in the ledger; undefined when none is left. */
  takeUnit(campaign: string, epoch: number): Promise<number | undefined>;
  /** Frees a unit that was taken and that nobody was issued. */
  returnUnit(campaign: string, epoch: number, unit: number): Promise<void>;
}

/** All methods throw a Fault: `redis-unavailable`, `gate-missing`, `gate-unverified`, `stale-epoch` or `corrupt-state`. */
export function createGate(redis: RedisClient): Gate {
  const run = async (script: typeof admit, scriptKeys: string[], args: (string | number)[]): Promise<unknown> => {
    try {
      return await runScript(redis, script, scriptKeys, args);
    } catch (error) {
      throw redisFault(error);
    }
  };
  return {
    async admit(shape, joins, deadlineMs) {
      const { keys: scriptKeys, args } = admitCall(shape, joins, deadlineMs);
      return readAdmitReply((await run(admit, scriptKeys, args)) as number[], joins.length);
    },
    async outcome(shape, tag) {
      const users = keys.users(shape.id, bucketOf(tag, shape.buckets));
      const scriptKeys = [keys.gate(shape.id), users, keys.exceptions(shape.id), ...keys.works(shape)];
      const reply = await run(outcome, scriptKeys, [GROUP, shape.shards, tag, shape.epoch]);
      const [text, seq, unit] = reply as [string, number, number];
      return { outcome: readOutcome(text), standing: { seq, unit } };
    },
    async readmit(shape, user, { tag, admittedAt, epoch, seq, unit }) {
      const users = keys.users(shape.id, bucketOf(tag, shape.buckets));
      const scriptKeys = [keys.gate(shape.id), keys.free(shape.id), users, ...keys.works(shape)];
      const args = [shape.epoch, shape.shards, tag, user, admittedAt, epoch, seq, unit];
      const [itsSeq, itsUnit] = (await run(readmit, scriptKeys, args)) as [number, number];
      return { seq: itsSeq, unit: itsUnit };
    },
    async project(campaign, create) {
      const { version, epoch, shards } = campaign;
      const args = [version, epoch, create ? 1 : 0, shards, ...settingsOfGate(campaign)];
      return (await run(project, [keys.gate(campaign.id)], args)) as 'projected' | 'current' | 'missing';
    },
    async resolve({ id, epoch, buckets }, tag, final, returnedUnit = 0) {
      const scriptKeys = [keys.gate(id), keys.users(id, bucketOf(tag, buckets)), keys.exceptions(id), keys.free(id)];
      return (await run(resolve, scriptKeys, [epoch, tag, encodeOutcome(final), returnedUnit])) === 1;
    },
    async takeUnit(campaign, epoch) {
      const unit = (await run(takeUnit, [keys.gate(campaign), keys.free(campaign)], [epoch])) as number;
      return unit === 0 ? undefined : unit;
    },
    async returnUnit(campaign, epoch, unit) {
      await run(returnUnit, [keys.gate(campaign), keys.free(campaign)], [epoch, unit]);
    },
  };
}

/** The fields of a gate that follow the ledger's settings, each with its value. */
export const settingsOfGate = (campaign: Campaign): (string | number)[] => [
  ...['version', campaign.version, 'state', campaign.state, 'name', campaign.name],
  ...['opens_at', campaign.opensAt ?? 0, 'closes_at', campaign.closesAt ?? 0, 'stock', campaign.stock],
  ...['rate', campaign.ratePerSecond, 'burst', campaign.burst, 'backlog_max', campaign.backlogMax],
  ...['buckets', campaign.buckets],
];

/** Keys and arguments of `lua/admit.lua`, in the order of its header. */
export function admitCall(shape: GateShape, joins: readonly Join[], deadlineMs: number) {
  const scriptKeys = [keys.gate(shape.id), keys.free(shape.id), ...keys.works(shape)];
  const args: (string | number)[] = [shape.epoch, deadlineMs, shape.shards, joins.length];
  let traced = false;
  for (const { tag, user, trace } of joins) {
    scriptKeys.push(keys.users(shape.id, bucketOf(tag, shape.buckets)));
    args.push(tag, user);
    traced ||= trace !== '';
  }
  if (traced) for (const { trace } of joins) args.push(trace);
  return { keys: scriptKeys, args };
}

/** What the script answered to `count` joins. */
export function readAdmitReply(reply: readonly number[], count: number): AdmitReply {
  const [now, seq, remaining, waitMs, opensAt] = reply as [number, number, number, number, number];
  const decisions: Decision[] = new Array(count);
  for (let i = 0, at = 5; i < count; i += 1, at += 5) {
    const kind = DECISION_KINDS[reply[at]!]!;
    if (kind === 'admitted' || kind === 'known') {
      const admission = { seq: reply[at + 1]!, unit: reply[at + 2]!, admittedAt: reply[at + 3]! };
      decisions[i] = reply[at + 4] === 0 ? { kind, ...admission } : { kind, ...admission, epoch: reply[at + 4]! };
    } else if (kind === 'throttled') decisions[i] = { kind, waitMs };
    else if (kind === 'not-open') decisions[i] = { kind, opensAt };
    else decisions[i] = { kind };
  }
  return { now, seq, remaining, waitMs, decisions };
}
