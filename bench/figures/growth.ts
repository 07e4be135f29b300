// Whether a join costs more when a million tickets wait already.
import type { Context, Figure, Sample } from '../figure.ts';
import { alternate, type Contender } from '../rounds.ts';
import { joinPath } from '../sluice.ts';
import { fill, underLoad } from '../under-load.ts';

const SMALL = 1_000;
/** Joins/s at most, to size the stock so that no round sells out. */
const RATE_MAX = 80_000;

export const growth: Figure = {
  name: 'growth',
  ratios: [
    {
      text: 'Redis CPU per join with 1M tickets ÷ with 1k',
      bar: { atMost: 1.1 },
      over: 'large.redisCpuUs',
      under: 'small.redisCpuUs',
    },
    {
      text: 'time per join at full rate with 1M tickets ÷ with 1k',
      bar: { atMost: 1.1 },
      over: 'large.timeUs',
      under: 'small.timeUs',
    },
  ],
  async measure(context) {
    const largeCount = context.quick ? 100_000 : 1_000_000;
    const notes = [
      `Large: one campaign with ${largeCount} tickets and growing. Small: a new one with ${SMALL} each round.`,
    ];
    return alternate(context, [small(context), large(context, largeCount)], notes);
  },
};

const small = (context: Context): Contender => ({
  name: 'small',
  async open() {
    return async () => {
      const id = await openCampaign(context, SMALL, context.seconds);
      return measure(context, id, context.seconds);
    };
  },
});

const large = (context: Context, ticketCount: number): Contender => ({
  name: 'large',
  async open() {
    const id = await openCampaign(context, ticketCount, context.seconds * (context.rounds + 1));
    return () => measure(context, id, context.seconds);
  },
});

/** A campaign with `ticketCount` tickets waiting and units left for `seconds` of joins. */
async function openCampaign(context: Context, ticketCount: number, seconds: number): Promise<string> {
  const front = await context.stand.front();
  const id = context.stand.freshName('growth');
  await front.createCampaign({ id, stock: Math.ceil(ticketCount + seconds * RATE_MAX) });
  await fill(context, id, ticketCount);
  return id;
}

async function measure(context: Context, id: string, seconds: number): Promise<Sample> {
  const front = await context.stand.front();
  const pids = { front: front.pid, redis: (await context.stand.redis()).pid };
  const target = {
    port: front.port,
    method: 'POST' as const,
    paths: [joinPath(id)],
    crowd: context.stand.freshName(id),
  };
  const sample = await underLoad(context, target, pids, seconds);
  return { ...sample, timeUs: 1_000_000 / sample.ratePerSecond! };
}
