// What it costs to answer a join only when it is on disk.
import type { Context, Figure } from '../figure.ts';
import { alternate, type Contender } from '../rounds.ts';
import { startFront } from '../sluice.ts';
import { startRedis } from '../stores.ts';
import { openJoins } from '../under-load.ts';

export const durability: Figure = {
  name: 'durability',
  ratios: [
    {
      text: 'joins/s with appendfsync always ÷ with no AOF',
      bar: { atLeast: 0.95 },
      over: 'always.ratePerSecond',
      under: 'none.ratePerSecond',
    },
  ],
  measure: (context) => alternate(context, [always(context), none(context)]),
};

const always = (context: Context): Contender => ({
  name: 'always',
  async open() {
    const front = await context.stand.front();
    const redis = await context.stand.redis();
    return openJoins(context, front, { front: front.pid, redis: redis.pid });
  },
});

const none = (context: Context): Contender => ({
  name: 'none',
  async open(stack) {
    const redis = stack.use(await startRedis('none'));
    const databaseUrl = await (await context.stand.database()).url('no_aof');
    const front = stack.use(await startFront({ redisUrl: redis.url, databaseUrl }, { DURABILITY: 'memory' }));
    return openJoins(context, front, { front: front.pid, redis: redis.pid });
  },
});
