// What a campaign's work streams hold, read beside the traffic.
import { isEntryId, SEQ_MAX, seqOf } from '../../domain/shard.ts';
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { pairs } from '../../redis/entry-fields.ts';
import { keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { WorkStreams } from '../port.ts';

const facts = loadScript('stream-facts');

const ENTRIES_PER_READ = 1_000;

export function createWorkStreams(redis: RedisClient): WorkStreams {
  return {
    async streamFacts(campaign) {
      const told = (await runScript(redis, facts, keys.works(campaign), []).catch(rethrow)) as (number | string)[];
      const lengths: number[] = [];
      let lastSeq = 0;
      for (let at = 0; at < told.length; at += 2) {
        lengths.push(Number(told[at]));
        const seq = seqOf(String(told[at + 1]));
        if (seq <= SEQ_MAX) lastSeq = Math.max(lastSeq, seq);
      }
      return { lengths, lastSeq };
    },
    async *entries(campaign, shard, onForeign = () => undefined) {
      let from = '-';
      for (;;) {
        const found = await redis
          .xrange(keys.work(campaign, shard), from, '+', 'COUNT', ENTRIES_PER_READ)
          .catch(rethrow);
        const last = found.at(-1);
        if (last === undefined) return;
        const foreign = found.filter(([id]) => !isEntryId(id)).map(([id]) => id);
        if (foreign.length > 0) onForeign(foreign);
        yield found.filter(([id]) => isEntryId(id)).map(([id, flat]) => ({ seq: seqOf(id), fields: pairs(flat) }));
        from = `(${last[0]}`;
      }
    },
  };
}
