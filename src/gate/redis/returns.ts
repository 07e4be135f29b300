// Giving back, as the gate sees it: places that nobody works on, units the ledger has freed, tickets to be tried again.
import { bucketOf } from '../../domain/ids.ts';
import { type RedisClient, redisFault } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { loadScript, runScript, type Script } from '../../redis/scripts.ts';
import type { GateShape, ReadCancelledTags, Returns } from '../port.ts';
import { readCancelAnswer, readRedriveAnswer } from './outcome-text.ts';

const cancel = loadScript('cancel');
const giveBack = loadScript('give-back');
const redrive = loadScript('redrive');

export function createReturns(redis: RedisClient): Returns {
  const run = (script: Script, names: string[], args: (string | number)[]): Promise<unknown> =>
    runScript(redis, script, names, args).catch((error: unknown) => {
      throw redisFault(error);
    });
  const usersOf = ({ id, buckets }: GateShape, tag: string) => keys.users(id, bucketOf(tag, buckets));
  return {
    async cancel(shape, tag) {
      const { id, epoch, shards } = shape;
      const names = [keys.gate(id), usersOf(shape, tag), keys.exceptions(id), keys.free(id), keys.cancelled(id)];
      names.push(keys.turns(id));
      for (let shard = 0; shard < shards; shard += 1) names.push(keys.work(id, shard));
      const reply = (await run(cancel, names, [epoch, tag, GROUP, shards, id])) as [string, number, number, string];
      const [state, place, unit, user] = reply;
      return { state: readCancelAnswer(state), place, unit, user: user === '' ? undefined : user };
    },
    async giveBack(shape, { tag: given, seq, unit }) {
      const { id, epoch } = shape;
      const tag = given ?? '';
      // Without a tag no bucket is read; the key is named all the same.
      const users = tag === '' ? keys.users(id, 0) : usersOf(shape, tag);
      const names = [keys.gate(id), users, keys.exceptions(id), keys.free(id), keys.cancelled(id)];
      return (await run(giveBack, names, [epoch, tag, seq, unit ?? ''])) === 1;
    },
    async redrive(shape, tag) {
      const names = [keys.gate(shape.id), usersOf(shape, tag), keys.exceptions(shape.id)];
      return readRedriveAnswer((await run(redrive, names, [shape.epoch, tag])) as string);
    },
  };
}

export const createCancelledTagsReader =
  (redis: RedisClient): ReadCancelledTags =>
  async (campaign, known) =>
    redis.zrangebyscore(keys.cancelled(campaign), `(${known}`, '+inf').catch((error: unknown) => {
      throw redisFault(error);
    });
