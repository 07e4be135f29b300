// Redis that is out of reach, and one that hangs: how long joins and polls wait meanwhile, and service afterwards.
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../src/process/limits.ts';
import { type Shot, withinMs } from '../../test/helpers/steady-load.ts';
import { startTcpProxy } from '../../test/helpers/tcp-proxy.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { expectStatuses, openCrowd, ownerOf, residentMb, untilSo } from '../open-loop.ts';
import { alternate, type Contender } from '../rounds.ts';
import { startFront } from '../sluice.ts';
import { startRedis } from '../stores.ts';

const OUTAGE_MS = 4_000;
/** After this long into the outage the breaker is open: the calls that hung have run out, each within its limit. */
const OPEN_AFTER_MS = limits.gateCallMs + 500;
const BACK_WITHIN_MS = 30_000;
const RATES = { joins: 300, polls: 100 };

export const outages: Figure = {
  name: 'outages',
  ratios: [
    { text: '503 of a join while Redis is out of reach, p99 ms', bar: { atMost: 50 }, over: 'gone.p99Ms' },
    {
      text: '503 of a join while Redis hangs, p99 ms once the breaker is open',
      bar: { atMost: 50 },
      over: 'hung.p99Ms',
    },
    {
      text: 'slowest join from the moment when Redis hangs, ms',
      bar: { atMost: limits.gateCallMs + 300 },
      over: 'hung.slowestMs',
    },
    { text: 'polls of a waiting ticket while Redis hangs, p99 ms', bar: { atMost: 50 }, over: 'hung.pollsP99Ms' },
    { text: 'first 202 once Redis is within reach again, ms', bar: { atMost: 2_000 }, over: 'gone.backMs' },
    { text: 'first 202 once Redis goes on, ms', bar: { atMost: 2_000 }, over: 'hung.backMs' },
    { text: 'resident memory of the front that an outage adds, MB', bar: { atMost: 50 }, over: 'hung.grownMb' },
  ],
  measure: (context) =>
    alternate(
      context,
      [contender(context, 'gone'), contender(context, 'hung')],
      [
        `outages of ${OUTAGE_MS / 1_000} s under ${RATES.joins} joins and ${RATES.polls} polls a second, open loop; at its default settings Sluice's breaker is open after ${OPEN_AFTER_MS} ms.`,
      ],
    ),
};

const contender = (context: Context, name: 'gone' | 'hung'): Contender => ({
  name,
  async open(stack) {
    const owner = ownerOf(stack);
    const redis = stack.use(await startRedis('always'));
    const proxy = await startTcpProxy(owner, redis.url);
    const databaseUrl = await (await context.stand.database()).url(`outage_${name}`);
    const front = stack.use(await startFront({ redisUrl: proxy.url, databaseUrl }));
    const campaign = context.stand.freshName(name);
    await front.createCampaign({ id: campaign, stock: 1_000_000 });
    const cut = () => (name === 'gone' ? proxy.set('reset') : process.kill(redis.pid, 'SIGSTOP'));
    const mend = () => (name === 'gone' ? proxy.set('pass') : process.kill(redis.pid, 'SIGCONT'));

    return async (): Promise<Sample> => {
      const { joins, polls, stop } = await openCrowd(owner, front, campaign, RATES);
      try {
        await sleep(1_000);
        const mbBefore = residentMb(front.pid);
        const goneAt = performance.now();
        cut();
        await sleep(OUTAGE_MS);
        const grownMb = residentMb(front.pid) - mbBefore;
        const backAt = performance.now();
        mend();
        const served = ({ status, sentAt }: Shot) => status === 202 && sentAt > backAt;
        await untilSo('a join is admitted again', BACK_WITHIN_MS, () => joins.shots.some(served));
        await stop();
        const sentIn = ({ shots }: { shots: Shot[] }, from: number, to: number) =>
          shots.filter(({ sentAt }) => sentAt >= from && sentAt < to);
        const refused = sentIn(joins, goneAt + OPEN_AFTER_MS, backAt - limits.gateCallMs);
        const meanwhile = sentIn(polls, goneAt, backAt);
        expectStatuses('joins once the breaker was open', refused, [503]);
        expectStatuses('joins', joins.shots, [202, 503]);
        expectStatuses('polls', polls.shots, [200]);
        return {
          p50Ms: withinMs(refused, 0.5),
          p99Ms: withinMs(refused, 0.99),
          slowestMs: withinMs(sentIn(joins, goneAt, backAt), 1),
          pollsP99Ms: withinMs(meanwhile, 0.99),
          backMs: Math.min(...joins.shots.filter(served).map(({ sentAt }) => sentAt)) - backAt,
          grownMb,
        };
      } finally {
        mend();
        await stop();
      }
    };
  },
});
