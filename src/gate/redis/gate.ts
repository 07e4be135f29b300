// The questions to a gate, each one script call.
import type { Campaign } from '../../domain/campaign.ts';
import { FOLLOWED } from '../../domain/campaign-settings.ts';
import { DECISION_KINDS, type Decision } from '../../domain/decision.ts';
import { bucketOf } from '../../domain/ids.ts';
import { type RedisClient, redisFault } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { AdmitReply, Gate, GateShape, Join } from '../port.ts';
import { encodeOutcome, readOutcome } from './outcome-text.ts';

const admit = loadScript('admit');
const project = loadScript('project');
const outcome = loadScript('outcome');
const resolve = loadScript('resolve');
const takeUnit = loadScript('take-unit');
const returnUnit = loadScript('return-unit');
const readmit = loadScript('readmit');

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
    async readmit(shape, user, { tag, admittedAt, epoch, seq, unit }, trace) {
      const users = keys.users(shape.id, bucketOf(tag, shape.buckets));
      const scriptKeys = [keys.gate(shape.id), keys.free(shape.id), users, keys.turns(shape.id), ...keys.works(shape)];
      const args = [shape.epoch, shape.shards, tag, user, admittedAt, epoch, seq, unit, shape.id, trace];
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
  ...['version', campaign.version, 'state', campaign.state, 'buckets', campaign.buckets],
  ...FOLLOWED.flatMap(({ gateField, name }) => [gateField, campaign[name] ?? 0]),
];

/** Keys and arguments of `lua/admit.lua`, in the order of its header. */
export function admitCall(shape: GateShape, joins: readonly Join[], deadlineMs: number) {
  const scriptKeys = [keys.gate(shape.id), keys.free(shape.id), keys.turns(shape.id), ...keys.works(shape)];
  const args: (string | number)[] = [shape.epoch, deadlineMs, shape.shards, joins.length, shape.id];
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
