// What a campaign's work streams hold, read beside the traffic.
import { isEntryId, SEQ_MAX, seqOf } from '../../domain/shard.ts';
import { type RedisClient, redisFault, rethrow } from '../../redis/connection.ts';
import { pairs } from '../../redis/entry-fields.ts';
import { keys } from '../../redis/keys.ts';
import type { WorkStreams } from '../port.ts';

const ENTRIES_PER_READ = 1_000;

export function createWorkStreams(redis: RedisClient): WorkStreams {
  return {
    async streamFacts(campaign) {
      const pipeline = redis.pipeline();
      for (const work of keys.works(campaign)) pipeline.xinfo('STREAM', work);
      const replies = (await pipeline.exec().catch(rethrow))!;
      const lengths: number[] = [];
      let lastSeq = 0;
      for (const [error, info] of replies) {
        const fields = error === null ? (info as (string | number)[]) : [];
        if (error !== null && !String(error).includes('no such key')) throw redisFault(error);
        lengths.push(Number(fields[fields.indexOf('length') + 1] ?? 0));
        // A stream that never had an entry has the id 0-0.
        const seq = seqOf(String(fields[fields.indexOf('last-generated-id') + 1] ?? '0-0'));
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
