// What a join must cost Redis at least: the look-up, the remembering and the stream entry, sent plainly, no script.
// Usage: node plain-pipeline.ts --redis URL, then jobs { campaign, joins, shards, buckets } over IPC.
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { bucketOf, userTag } from '../../src/domain/ids.ts';
import { keys } from '../../src/redis/keys.ts';
import { crowd } from '../crowd.ts';
import { serveJobs } from './job.ts';

const PIPELINE_JOINS = 128;
const PIPELINES_IN_HAND = 2;

const { values } = parseArgs({ options: { redis: { type: 'string' } } });
const redis = new Redis(values.redis!);
await redis.ping();

interface Job {
  campaign: string;
  joins: number;
  shards: number;
  buckets: number;
}

serveJobs(async (job: Job) => {
  const startMs = performance.now();
  let next = 1;
  const send = async (): Promise<void> => {
    while (next <= job.joins) {
      const first = next;
      next = Math.min(first + PIPELINE_JOINS, job.joins + 1);
      await sendPipeline(job, first, next);
    }
  };
  await Promise.all(Array.from({ length: PIPELINES_IN_HAND }, send));
  return { count: job.joins, elapsedMs: performance.now() - startMs };
});

/** The very arguments the gate script gives these three commands: same keys, same fields, same lengths. */
async function sendPipeline({ campaign, shards, buckets }: Job, first: number, end: number): Promise<void> {
  const pipeline = redis.pipeline();
  const now = Date.now();
  for (let seq = first; seq < end; seq += 1) {
    const user = crowd(campaign, seq);
    const tag = userTag(campaign, user);
    const users = keys.users(campaign, bucketOf(tag, buckets));
    const packed = Buffer.alloc(16);
    packed.writeUIntBE(seq, 0, 6);
    packed.writeUInt32BE(seq, 6);
    packed.writeUIntBE(now, 10, 6);
    pipeline.hget(users, tag);
    pipeline.hset(users, tag, packed);
    pipeline.xadd(keys.work(campaign, seq % shards), `${seq}-0`, 'user', user, 'unit', seq, 'admitted_at', now);
  }
  const replies = await pipeline.exec();
  for (const [error] of replies!) if (error) throw error;
}
