// Builds a gate from what the ledger knows. Every write names its epoch and its builder, so that of two builders the later
// one wins, whoever is slower.
import type { Campaign } from '../../domain/campaign.ts';
import { formatEpochs, parseEpochs } from '../../domain/epochs.ts';
import { bucketOf } from '../../domain/ids.ts';
import { packPlace } from '../../domain/place.ts';
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { loadScript, runScript, type Script } from '../../redis/scripts.ts';
import type { Build, GateRebuild } from '../rebuild-port.ts';
import { settingsOfGate } from './gate.ts';
import { encodeOutcome } from './outcome-text.ts';

const close = loadScript('rebuild-close');
const begin = loadScript('rebuild-begin');
const resume = loadScript('rebuild-resume');
const forget = loadScript('rebuild-forget');
const add = loadScript('rebuild-add');
const drop = loadScript('rebuild-drop');
const finish = loadScript('rebuild-finish');

const BUCKETS_PER_CALL = 500;

export function createRebuild(redis: RedisClient): GateRebuild {
  const run = (script: Script, scriptKeys: string[], args: (string | number | Buffer)[]): Promise<unknown> =>
    runScript(redis, script, scriptKeys, args).catch(rethrow);
  async function forgetUsers({ id, buckets }: Pick<Campaign, 'id' | 'buckets'>, { epoch, builder }: Build) {
    for (let from = 0; from < buckets; from += BUCKETS_PER_CALL) {
      const count = Math.min(BUCKETS_PER_CALL, buckets - from);
      const users = Array.from({ length: count }, (_, index) => keys.users(id, from + index));
      await run(forget, [keys.gate(id), ...users], [epoch, builder]);
    }
  }
  return {
    close: async ({ id, epoch }, builder) =>
      (await run(close, [keys.gate(id), keys.recovery(id)], [epoch, builder])) === 1,
    async begin(campaign, build, epochs) {
      const { id } = campaign;
      const names = [keys.gate(id), keys.exceptions(id), keys.free(id), keys.cancelled(id), keys.recovery(id)];
      await run(begin, [...names, keys.turns(id)], [build.epoch, build.builder, formatEpochs(epochs), id]);
      await forgetUsers(campaign, build);
    },
    async resume(campaign, build) {
      const { id } = campaign;
      const names = [keys.gate(id), keys.free(id), keys.recovery(id)];
      const left = (await run(resume, names, [build.epoch, build.builder])) as [string, string] | null;
      if (left === null) return undefined;
      const unit = Number(left[0]);
      // The builder before may have died before it had forgotten all users.
      if (unit === 0) await forgetUsers(campaign, build);
      return { unit, epochs: parseEpochs(left[1]) };
    },
    async abandon(campaign) {
      await redis.hdel(keys.gate(campaign), 'built_run_id').catch(rethrow);
    },
    async add({ id, buckets }, { epoch, builder }, { users = [], freeUnits = [], upToUnit = 0 }) {
      const scriptKeys = [keys.gate(id), keys.exceptions(id), keys.free(id)];
      const args: (string | number | Buffer)[] = [epoch, builder, upToUnit, users.length];
      for (const { tag, place, outcome } of users) {
        scriptKeys.push(keys.users(id, bucketOf(tag, buckets)));
        args.push(tag, packPlace(place), outcome ? encodeOutcome(outcome) : '');
      }
      await run(add, scriptKeys, [...args, ...freeUnits]);
    },
    async drop(campaign, { epoch, builder }, shard, ids) {
      await run(drop, [keys.gate(campaign), keys.work(campaign, shard)], [epoch, builder, GROUP, ...ids]);
    },
    async finish(campaign, { epoch, builder }, counts, epochs, graceMs) {
      const scriptKeys = [keys.gate(campaign.id), keys.turns(campaign.id), ...keys.works(campaign)];
      const { seq, nextUnit, retryingCount, cancelledCount } = counts;
      const counted = [seq, nextUnit, retryingCount, cancelledCount];
      const fixed = [epoch, builder, GROUP, ...counted, formatEpochs(epochs), graceMs, campaign.shards, campaign.id];
      return (await run(finish, scriptKeys, [...fixed, ...settingsOfGate(campaign)])) as number;
    },
  };
}
