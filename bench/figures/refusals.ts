// Saying no: joins of a sold-out campaign, each by another user, against a handler that always says so.
import type { Context, Figure } from '../figure.ts';
import { alternate, type Contender } from '../rounds.ts';
import { joinPath } from '../sluice.ts';
import { fill, underLoad } from '../under-load.ts';

export const refusals: Figure = {
  name: 'refusals',
  ratios: [
    {
      text: 'sold-out refusals/s ÷ bare Hono POST (same parsing, same body)',
      bar: { atLeast: 0.9 },
      over: 'sluice.ratePerSecond',
      under: 'bare.ratePerSecond',
    },
  ],
  measure: (context) => alternate(context, [refuseSluice(context), bare(context)]),
};

export const refuseSluice = (context: Context): Contender => ({
  name: 'sluice',
  async open() {
    const front = await context.stand.front();
    const redis = await context.stand.redis();
    const id = context.stand.freshName('sold-out');
    const stock = context.quick ? 5_000 : 50_000;
    await front.createCampaign({ id, stock });
    await fill(context, id, stock);
    await front.refuse(id, 'somebody-else', 409);
    return openRefusals(context, front.port, joinPath(id), { front: front.pid, redis: redis.pid });
  },
});

const bare = (context: Context): Contender => ({
  name: 'bare',
  async open() {
    const peer = await context.stand.bare();
    return openRefusals(context, peer.port, joinPath('sold-out'), { front: peer.pid });
  },
});

async function openRefusals(context: Context, port: number, path: string, pids: { front: number; redis?: number }) {
  const measure = (seconds: number, expected: 'refused' | 'anything') => {
    const target = { port, method: 'POST' as const, paths: [path], crowd: context.stand.freshName('refused') };
    return underLoad(context, target, pids, seconds, expected);
  };
  await measure(context.warmSeconds, 'anything');
  return () => measure(context.seconds, 'refused');
}
