// What a join costs the front and Redis, beside a handler without a store, plain commands, and the usual libraries.
import { withCpu } from '../cpu.ts';
import type { Context, Figure } from '../figure.ts';
import { runJob, startJobs } from '../jobs.ts';
import { startPeer } from '../peers.ts';
import { alternate, type Contender } from '../rounds.ts';
import { joinPath, SHARDS } from '../sluice.ts';
import { startRedis } from '../stores.ts';
import { openJoins, underLoad } from '../under-load.ts';

/** As many users per bucket as the ledger plans for (`campaign-rows.ts`). */
const BUCKET_USERS = 90;

export const joins: Figure = {
  name: 'joins',
  ratios: [
    {
      text: 'joins/s ÷ bare Hono (same parsing and signing, no store)',
      bar: { atLeast: 0.9 },
      over: 'sluice.ratePerSecond',
      under: 'bare.ratePerSecond',
    },
    {
      text: 'front CPU per join ÷ CPU per bare request',
      bar: { atMost: 1.3 },
      over: 'sluice.frontCpuUs',
      under: 'bare.frontCpuUs',
    },
    {
      text: 'Redis CPU per join ÷ that of HGET + HSET + XADD in a plain pipeline',
      bar: { atMost: 1.5 },
      over: 'sluice.redisCpuUs',
      under: 'pipeline.redisCpuUs',
    },
    {
      text: 'joins/s ÷ Hono + rate-limiter-flexible + BullMQ add',
      bar: { atLeast: 1.8 },
      over: 'sluice.ratePerSecond',
      under: 'bullmq.ratePerSecond',
    },
  ],
  measure: (context) => alternate(context, [joinSluice(context), bare(context), bullmq(context), pipeline(context)]),
};

export const joinSluice = (context: Context): Contender => ({
  name: 'sluice',
  async open() {
    const front = await context.stand.front();
    const redis = await context.stand.redis();
    return openJoins(context, front, { front: front.pid, redis: redis.pid });
  },
});

const bare = (context: Context): Contender => ({
  name: 'bare',
  async open() {
    const peer = await context.stand.bare();
    const measure = (seconds: number) => {
      const crowd = context.stand.freshName('bare');
      const target = { port: peer.port, method: 'POST' as const, paths: [joinPath('bench')], crowd };
      return underLoad(context, target, { front: peer.pid }, seconds);
    };
    await measure(context.warmSeconds);
    return () => measure(context.seconds);
  },
});

const bullmq = (context: Context): Contender => ({
  name: 'bullmq',
  async open(stack) {
    const redis = stack.use(await startRedis('always'));
    const peer = stack.use(await startPeer('hono-bullmq', ['--redis', redis.url]));
    const measure = (seconds: number) => {
      const crowd = context.stand.freshName('bullmq');
      const target = { port: peer.port, method: 'POST' as const, paths: [joinPath('bench')], crowd };
      return underLoad(context, target, { front: peer.pid, redis: redis.pid }, seconds);
    };
    await measure(context.warmSeconds);
    return () => measure(context.seconds);
  },
});

const pipeline = (context: Context): Contender => ({
  name: 'pipeline',
  async open(stack) {
    const redis = stack.use(await startRedis('always'));
    const args = ['--redis', redis.url];
    const jobs = stack.use(await startJobs('contender', new URL('../peers/plain-pipeline.ts', import.meta.url), args));
    const joinCount = context.quick ? 20_000 : 200_000;
    return async () => {
      const buckets = Math.ceil(joinCount / BUCKET_USERS);
      const job = { campaign: context.stand.freshName('plain'), joins: joinCount, shards: SHARDS, buckets };
      const { result, micros } = await withCpu({ redis: redis.pid }, () =>
        runJob<{ count: number; elapsedMs: number }>(jobs, job),
      );
      const ratePerSecond = (result.count / result.elapsedMs) * 1000;
      return { requests: result.count, ratePerSecond, redisCpuUs: micros.redis! / result.count };
    };
  },
});
