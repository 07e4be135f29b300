// Asking after a waiting ticket, over HTTP on both sides, against a handler without a store and against BullMQ's getState.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { Pids } from '../cpu.ts';
import { crowd } from '../crowd.ts';
import type { Context, Figure } from '../figure.ts';
import { startPeer } from '../peers.ts';
import { alternate, type Contender } from '../rounds.ts';
import { startRedis } from '../stores.ts';
import { type Target, underLoad } from '../under-load.ts';

const POLLED_TICKETS = 1000;
const JOINS_IN_HAND = 50;
const ADD_BATCH = 1000;
const RAW_CALLS_IN_HAND = 50;

export const polls: Figure = {
  name: 'polls',
  ratios: [
    {
      text: 'polls of waiting tickets/s ÷ bare Hono GET of the same shape',
      bar: { atLeast: 0.9 },
      over: 'sluice.ratePerSecond',
      under: 'bare.ratePerSecond',
    },
    {
      text: 'polls/s ÷ BullMQ getState with 100k waiting, both over HTTP',
      bar: { atLeast: 50 },
      over: 'sluice.ratePerSecond',
      under: 'bullmq.ratePerSecond',
    },
  ],
  async measure(context) {
    const notes = [`${POLLED_TICKETS} waiting tickets are polled in turn; no worker runs.`];
    const tickets = Promise.withResolvers<string[]>();
    tickets.promise.catch(() => undefined); // told by the contender that asked for them
    return alternate(context, [pollSluice(context, tickets), bare(context, tickets), bullmq(context, notes)], notes);
  },
};

export const pollSluice = (context: Context, tickets = Promise.withResolvers<string[]>()): Contender => ({
  name: 'sluice',
  async open() {
    try {
      const front = await context.stand.front();
      const redis = await context.stand.redis();
      const id = context.stand.freshName('polls');
      await front.createCampaign({ id, stock: POLLED_TICKETS });
      tickets.resolve(await joinAll((n) => front.join(id, crowd(id, n))));
      const paths = (await tickets.promise).map((ticket) => `/v1/tickets/${ticket}`);
      return openPolls(context, { port: front.port, paths }, { front: front.pid, redis: redis.pid });
    } catch (error) {
      tickets.reject(error);
      throw error;
    }
  },
});

/** Bare Hono is asked for the same tickets, or for strings of the same length when Sluice gave none. */
const bare = (context: Context, tickets: PromiseWithResolvers<string[]>): Contender => ({
  name: 'bare',
  async open() {
    const peer = await context.stand.bare();
    const texts = await tickets.promise.catch(() => Array.from({ length: POLLED_TICKETS }, (_, n) => standIn(n)));
    const paths = texts.map((ticket) => `/v1/tickets/${ticket}`);
    return openPolls(context, { port: peer.port, paths }, { front: peer.pid });
  },
});

const bullmq = (context: Context, notes: string[]): Contender => ({
  name: 'bullmq',
  async open(stack) {
    const waitingCount = context.quick ? 10_000 : 100_000;
    const redis = stack.use(await startRedis('always'));
    const peer = stack.use(await startPeer('hono-bullmq', ['--redis', redis.url]));
    const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
    const queue = new Queue('tickets', { connection });
    stack.defer(async () => {
      await queue.close();
      connection.disconnect();
    });
    const jobOf = (n: number) => ({ name: 'issue', data: { campaign: 'bench', user: crowd('bench', n) } });
    const ids: string[] = [];
    for (let added = 0; added < waitingCount; added += ADD_BATCH) {
      const jobs = await queue.addBulk(Array.from({ length: ADD_BATCH }, (_, i) => jobOf(added + i)));
      ids.push(...jobs.map(({ id }) => id!));
    }
    const step = waitingCount / POLLED_TICKETS;
    const polled = Array.from({ length: POLLED_TICKETS }, (_, n) => ids[Math.floor(n * step)]!);
    const rawRate = await rawGetState(queue, polled, context.seconds);
    notes.push(
      `BullMQ has ${waitingCount} jobs waiting; getState straight from Node reached ${Math.round(rawRate)}/s.`,
    );
    const paths = polled.map((id) => `/v1/tickets/${id}`);
    return openPolls(context, { port: peer.port, paths }, { front: peer.pid, redis: redis.pid });
  },
});

async function openPolls(context: Context, target: Pick<Target, 'port' | 'paths'>, pids: Pids) {
  const measure = (seconds: number) => underLoad(context, { ...target, method: 'GET' }, pids, seconds);
  await measure(context.warmSeconds);
  return () => measure(context.seconds);
}

async function joinAll(join: (n: number) => Promise<string>): Promise<string[]> {
  const texts: string[] = [];
  let next = 0;
  const joinSome = async (): Promise<void> => {
    while (next < POLLED_TICKETS) texts.push(await join(next++));
  };
  await Promise.all(Array.from({ length: JOINS_IN_HAND }, joinSome));
  return texts;
}

/** getState calls/s without HTTP in between, some always in hand. */
async function rawGetState(queue: Queue, ids: readonly string[], seconds: number): Promise<number> {
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let count = 0;
  const ask = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await queue.getJobState(ids[count % ids.length]!);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: RAW_CALLS_IN_HAND }, ask));
  return (count / (performance.now() - startMs)) * 1000;
}

const standIn = (n: number): string => `${'A'.repeat(50)}.${String(n).padStart(22, 'A')}`;
