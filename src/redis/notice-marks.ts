// What operators were told of already, over all workers: a mark with an end for each thing.
import { limits } from '../process/limits.ts';
import { type RedisClient, rethrow } from './connection.ts';
import { keys } from './keys.ts';

export interface NoticeMarks {
  /** True for one worker: for `ms` it is nobody else's turn to look. */
  takeTurn: (holder: string, ms: number) => Promise<boolean>;
  /** True when nobody told of it in the last `ms`. */
  claim: (what: string, ms: number) => Promise<boolean>;
  /** It is over: the next time is told again. */
  clear: (what: string) => Promise<void>;
  /** Up to when something was looked at, as {@link NoticeMarks.write} was told; undefined where Redis does not know. */
  read: (what: string) => Promise<number | undefined>;
  write: (what: string, untilMs: number) => Promise<void>;
}

export const createNoticeMarks = (redis: RedisClient): NoticeMarks => ({
  takeTurn: async (holder, ms) => (await redis.set(keys.noticeTurn, holder, 'PX', ms, 'NX').catch(rethrow)) === 'OK',
  claim: async (what, ms) => (await redis.set(keys.noticed(what), '1', 'PX', ms, 'NX').catch(rethrow)) === 'OK',
  clear: async (what) => {
    await redis.del(keys.noticed(what)).catch(rethrow);
  },
  read: async (what) => {
    const text = await redis.get(keys.noticed(what)).catch(rethrow);
    return text === null || !/^\d{1,15}$/.test(text) ? undefined : Number(text);
  },
  write: async (what, untilMs) => {
    await redis.set(keys.noticed(what), String(untilMs), 'PX', limits.noticeAgainMs).catch(rethrow);
  },
});
