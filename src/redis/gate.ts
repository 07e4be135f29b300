// The questions to a gate, each one script call.
import type { Campaign } from '../domain/campaign.ts';
import { DECISION_KINDS, type Decision } from '../domain/decision.ts';
import { bucketOf } from '../domain/ids.ts';
import { decodeOutcome, type Exceptional, encodeOutcome } from '../domain/outcome.ts';
import { shardOf } from '../domain/shard.ts';
import type { Ticket } from '../domain/ticket.ts';
import { type RedisClient, redisFault } from './connection.ts';
import { GROUP, keys } from './keys.ts';
import { loadScript, runScript } from './scripts.ts';

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

/** `lost`: the gate remembers no such ticket of this user. */
export type Outcome = { status: 'lost' } | { status: 'queued' } | { status: 'settled' } | Exceptional;

const admit = loadScript('admit');
const project = loadScript('project');
const outcome = loadScript('outcome');
const resolve = loadScript('resolve');
const takeUnit = loadScript('take-unit');

export interface Gate {
  admit(shape: GateShape, joins: readonly Join[], deadlineMs: number): Promise<AdmitReply>;
  outcome(shape: GateShape, ticket: Ticket): Promise<Outcome>;
  /** `create` only where the ledger says that this campaign never had a gate. */
  project(campaign: Campaign, create: boolean): Promise<'projected' | 'current' | 'missing'>;
  /** Ends a `retrying` exception; undefined means issued as promised. False when somebody else ended it. */
  resolve(campaign: string, seq: number, final: Exceptional | undefined, returnedUnit?: number): Promise<boolean>;
  /** Takes a unit for a ticket whose own is somebody else's in the ledger; undefined when none is left. */
  takeUnit(campaign: string, epoch: number): Promise<number | undefined>;
}

/** All methods throw a Fault: `redis-unavailable`, `gate-missing`, `stale-epoch` or `corrupt-state`. */
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
    async outcome(shape, ticket) {
      const shard = shardOf(ticket.seq, shape.shards);
      const users = keys.users(shape.id, bucketOf(ticket.tag, shape.buckets));
      const scriptKeys = [keys.gate(shape.id), users, keys.exceptions(shape.id), keys.work(shape.id, shard)];
      const text = (await run(outcome, scriptKeys, [GROUP, shard, ticket.seq, ticket.tag, ticket.epoch])) as string;
      return text === 'lost' || text === 'queued' || text === 'settled' ? { status: text } : decodeOutcome(text);
    },
    async project(campaign, create) {
      const { version, epoch, state, opensAt, closesAt, stock, ratePerSecond, burst, backlogMax } = campaign;
      const settings = [
        version,
        epoch,
        create ? 1 : 0,
        state,
        opensAt ?? 0,
        closesAt ?? 0,
        stock,
        ratePerSecond,
        burst,
      ];
      const args = [...settings, backlogMax, campaign.shards, campaign.buckets, campaign.name];
      return (await run(project, [keys.gate(campaign.id)], args)) as 'projected' | 'current' | 'missing';
    },
    async resolve(campaign, seq, final, returnedUnit = 0) {
      const scriptKeys = [keys.gate(campaign), keys.exceptions(campaign), keys.free(campaign)];
      return (await run(resolve, scriptKeys, [seq, final ? encodeOutcome(final) : '', returnedUnit])) === 1;
    },
    async takeUnit(campaign, epoch) {
      const unit = (await run(takeUnit, [keys.gate(campaign), keys.free(campaign)], [epoch])) as number;
      return unit === 0 ? undefined : unit;
    },
  };
}

/** Keys and arguments of `lua/admit.lua`, in the order of its header. */
export function admitCall(shape: GateShape, joins: readonly Join[], deadlineMs: number) {
  const scriptKeys = [keys.gate(shape.id), keys.free(shape.id)];
  for (let shard = 0; shard < shape.shards; shard += 1) scriptKeys.push(keys.work(shape.id, shard));
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
  for (let i = 0, at = 5; i < count; i += 1, at += 4) {
    const kind = DECISION_KINDS[reply[at]!]!;
    if (kind === 'admitted' || kind === 'known') {
      decisions[i] = { kind, seq: reply[at + 1]!, unit: reply[at + 2]!, admittedAt: reply[at + 3]! };
    } else if (kind === 'throttled') decisions[i] = { kind, waitMs };
    else if (kind === 'not-open') decisions[i] = { kind, opensAt };
    else decisions[i] = { kind };
  }
  return { now, seq, remaining, waitMs, decisions };
}
