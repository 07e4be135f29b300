// The primary behind three Sentinels is killed, or hangs: for how long no join is admitted.
import { setTimeout as sleep } from 'node:timers/promises';
import { steadyLoad } from '../../test/helpers/steady-load.ts';
import { startSentinels } from '../../test/topology/sentinel.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { expectStatuses, ownerOf, untilSo } from '../open-loop.ts';
import { alternate, type Contender } from '../rounds.ts';
import { joinPath, startFront, startWorker } from '../sluice.ts';

const RECOVERED_WITHIN_MS = 60_000;
/** Admitted in a row after the last refusal: then the outage is over. */
const SERVED_IN_A_ROW = 100;

export const failovers: Figure = {
  name: 'failovers',
  ratios: [
    {
      text: 'joins 503 after kill -9 of the primary behind Sentinels, ms',
      bar: { atMost: 10_000 },
      over: 'kill.outageMs',
    },
    { text: 'joins 503 after the primary behind Sentinels hangs, ms', bar: { atMost: 10_000 }, over: 'hang.outageMs' },
  ],
  measure: (context) =>
    alternate(
      context,
      [contender(context, 'kill'), contender(context, 'hang')],
      [
        'Sentinels call a primary down after 2 s; every round has three servers and three Sentinels of its own, DURABILITY=replica.',
      ],
    ),
};

const contender = (context: Context, name: 'kill' | 'hang'): Contender => ({
  name,
  open: async () => async (): Promise<Sample> => {
    await using stack = new AsyncDisposableStack();
    const group = stack.use(await startSentinels());
    const databaseUrl = await (await context.stand.database()).url(`failover_${name}`);
    const stores = { redisUrl: group.url, databaseUrl };
    const front = stack.use(await startFront(stores, { DURABILITY: 'replica' }));
    stack.use(startWorker(front, 'failover'));
    const campaign = context.stand.freshName(name);
    await front.createCampaign({ id: campaign, stock: 1_000_000 });
    const load = steadyLoad(ownerOf(stack), `http://127.0.0.1:${front.port}`, 100, (n) => ({
      method: 'POST',
      path: joinPath(campaign),
      headers: { 'x-user-id': `${campaign}-${n}` },
    }));
    await sleep(2_000);
    const victim = await group.primary();
    const brokenAt = performance.now();
    if (name === 'kill') await victim.kill();
    else victim.freeze();
    const inOrder = () => load.shots.filter(({ sentAt }) => sentAt > brokenAt).toSorted((a, b) => a.sentAt - b.sentAt);
    const lastRefused = () => inOrder().findLastIndex(({ status }) => status !== 202);
    await untilSo('joins are admitted again', RECOVERED_WITHIN_MS, () => {
      const last = lastRefused();
      return last >= 0 && inOrder().length - last > SERVED_IN_A_ROW;
    });
    victim.thaw();
    await load.stop();
    expectStatuses('joins', load.shots, [202, 503]);
    return { outageMs: inOrder()[lastRefused() + 1]!.sentAt - brokenAt };
  },
});
