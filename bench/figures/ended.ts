// What a campaign that is over costs: archived and purged while another one sells, and 20,000 of them beside an idle worker.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { commandCount, insertEnded } from '../campaigns/archived.ts';
import { withCpu } from '../cpu.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, joinPath, startFront, startWorker } from '../sluice.ts';
import { startRedis } from '../stores.ts';
import { fill, underLoad } from '../under-load.ts';

/** Joins/s at most, to size the stock so that no round sells out. */
const RATE_MAX = 80_000;
const POLLED_COUNT = 50;
/** Longer than a worker's look for campaigns that are over. */
const IDLE_SECONDS = 65;

export const ended: Figure = {
  name: 'ended',
  ratios: [
    {
      text: 'p99 of joins while a campaign of 100,000 tickets is archived and purged ÷ before',
      bar: { atMost: 1.1 },
      over: 'sale.duringP99Ms',
      under: 'sale.beforeP99Ms',
    },
    { text: 'Redis data that such a campaign leaves behind, MB', bar: { atMost: 1 }, over: 'sale.leftMb' },
    { text: 'its tickets told otherwise while it is archived', bar: { atMost: 0 }, over: 'sale.untrueCount' },
    {
      text: 'CPU of an idle worker beside 20,000 ended campaigns ÷ beside none',
      bar: { atMost: 1.1 },
      over: 'many.workerCpuMsPerSecond',
      under: 'none.workerCpuMsPerSecond',
    },
    {
      text: 'Redis commands/s of an idle worker beside 20,000 ended campaigns ÷ beside none',
      bar: { atMost: 1.05 },
      over: 'many.commandsPerSecond',
      under: 'none.commandsPerSecond',
    },
  ],
  measure(context) {
    const [ticketCount, endedCount] = context.quick ? [2_000, 500] : [100_000, 20_000];
    return alternate(
      context,
      [sale(context, ticketCount), idle(context, 'none', 0), idle(context, 'many', endedCount)],
      [
        `${ticketCount} tickets, ${endedCount} ended campaigns. The bench declares campaigns drained as soon as they are; a worker takes a minute.`,
        'One worker issues what is sold; each round ends with the archive of the campaign that sold meanwhile.',
      ],
    );
  },
};

const sale = (context: Context, ticketCount: number): Contender => ({
  name: 'sale',
  async open(stack) {
    const { stand, seconds } = context;
    const [front, redis] = [await stand.front(), await stand.redis()];
    const database = await createConnection({ uri: await (await stand.database()).url('sluice') });
    stack.defer(() => database.destroy());
    stack.use(startWorker(front, 'ended'));
    const drain = async (id: string): Promise<void> => {
      await until(`${id} is issued`, async () => (await front.counts(id)).backlog === 0);
      await front.admin('POST', `/admin/campaigns/${id}/close`, {});
      await database.query('update campaigns set drained_at = current_timestamp(3) where id = ?', [id]);
    };
    const load = (id: string) =>
      underLoad(
        context,
        { port: front.port, method: 'POST', paths: [joinPath(id)], crowd: stand.freshName(id) },
        {},
        seconds,
      );
    // What Redis allocates once is no campaign's.
    const warm = stand.freshName('warm');
    await front.createCampaign({ id: warm, stock: ticketCount + RATE_MAX });
    await fill(context, warm, ticketCount, front);
    await drain(warm);
    await end(front, warm, 'archive');

    return async () => {
      const heldBytes = await redis.dataBytes();
      const [old, selling] = [stand.freshName('old'), stand.freshName('selling')];
      await front.createCampaign({ id: old, stock: ticketCount + RATE_MAX });
      const tickets: string[] = [];
      const join = async () => tickets.push(await front.join(old, stand.freshName('polls'))) === POLLED_COUNT;
      await until('tickets to poll', join);
      await fill(context, old, ticketCount, front);
      await drain(old);
      await front.createCampaign({ id: selling, stock: Math.ceil(2 * seconds * RATE_MAX) });
      const before = await load(selling);
      const ending = endAndPoll(front, old, tickets);
      ending.catch(() => undefined);
      const during = await load(selling);
      const untrueCount = await ending;
      await drain(selling);
      await end(front, selling, 'archive');
      const leftMb = ((await redis.dataBytes()) - heldBytes) / 1_048_576;
      return { beforeP99Ms: before.p99Ms!, duringP99Ms: during.p99Ms!, leftMb, untrueCount };
    };
  },
});

/** Archives, polls and purges; returns how many tickets were not told as issued between the two. */
async function endAndPoll(front: Front, id: string, tickets: readonly string[]): Promise<number> {
  await end(front, id, 'archive');
  let untrueCount = 0;
  for (const ticket of tickets) if (!(await isIssued(front, ticket))) untrueCount += 1;
  await end(front, id, 'purge');
  await until('its rows are gone', async () => (await front.admin('GET', `/admin/campaigns/${id}`)).issued === 0);
  return untrueCount;
}

/** A 503 or a 409 says why not now: asked again. */
const end = (front: Front, id: string, how: 'archive' | 'purge') =>
  until(`${how} of ${id}`, async () => {
    await front.admin('POST', `/admin/campaigns/${id}/${how}`, { dryRun: false });
    return true;
  });

/** A 503 says that the front does not know: asked again, as a client does. */
async function isIssued(front: Front, ticket: string): Promise<boolean> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${front.port}/v1/tickets/${ticket}`);
    const body = (await answer.json()) as { status?: string };
    if (answer.status !== 503) return body.status === 'issued';
    await sleep(100);
  }
}

/** A worker that has nothing to do, on stores of its own. */
const idle = (context: Context, name: 'none' | 'many', endedCount: number): Contender => ({
  name,
  async open(stack) {
    const redis = stack.use(await startRedis('none'));
    const databaseUrl = await (await context.stand.database()).url(`ended_${name}`);
    // A front makes the tables; then nothing but the worker is there.
    const front = await startFront({ redisUrl: redis.url, databaseUrl }, { DURABILITY: 'memory' });
    await front[Symbol.asyncDispose]();
    await insertEnded(databaseUrl, endedCount);
    const worker = stack.use(startWorker(front, `idle-${name}`));
    await until('the worker is at work', async () => worker.output().includes('"msg":"issuing"'));
    await sleep(context.warmSeconds * 1_000);
    const client = new Redis(redis.url);
    stack.defer(() => client.disconnect());
    return async (): Promise<Sample> => {
      const seconds = context.quick ? 3 : IDLE_SECONDS;
      const from = await commandCount(client);
      const { micros } = await withCpu({ worker: worker.pid, redis: redis.pid }, () => sleep(seconds * 1_000));
      return {
        workerCpuMsPerSecond: micros.worker! / 1_000 / seconds,
        redisCpuMsPerSecond: micros.redis! / 1_000 / seconds,
        commandsPerSecond: ((await commandCount(client)) - from) / seconds,
      };
    };
  },
});

/** What fails meanwhile is asked again: a front under full load answers some calls of operators with 503. */
async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  let last: unknown;
  const failed = (error: unknown): boolean => {
    last = error;
    return false;
  };
  for (const deadline = performance.now() + 180_000; !(await condition().catch(failed)); await sleep(20)) {
    if (performance.now() > deadline) throw new Error(`not within 180 s: ${what}: ${String(last)}`);
  }
}
