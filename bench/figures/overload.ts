// Five times what the gate can take, against what it can take: admitted a second, and what the others wait.
import { limits } from '../../src/process/limits.ts';
import type { GunOrder, GunReport } from '../../test/helpers/overload-gun.ts';
import { steadyLoad, withinMs } from '../../test/helpers/steady-load.ts';
import { startTcpProxy } from '../../test/helpers/tcp-proxy.ts';
import type { Context, Figure } from '../figure.ts';
import { expectStatuses, ownerOf } from '../open-loop.ts';
import { startChild } from '../processes.ts';
import { alternate, type Contender } from '../rounds.ts';
import { joinPath, startFront } from '../sluice.ts';
import { startRedis } from '../stores.ts';

/** So slow a gate that the machine is not what is measured: two calls of 128 joins at a time, each this long. */
const GATE_MS = 400;
const CAPACITY = (limits.gateCallsMax * limits.joinBatchMax * 1_000) / GATE_MS;
const FLOOD = 5;

export const overload: Figure = {
  name: 'overload',
  ratios: [
    {
      text: `joins admitted/s at ${FLOOD} times the capacity ÷ at the capacity`,
      bar: { atLeast: 0.9 },
      over: 'flood.ratePerSecond',
      under: 'peak.ratePerSecond',
    },
    {
      text: '202 of a join meanwhile, p99 ms',
      bar: { atMost: limits.joinWaitMs + 3 * GATE_MS },
      over: 'flood.admittedP99Ms',
    },
    { text: '503 of a join meanwhile, p99 ms', bar: { atMost: 50 }, over: 'flood.refusedP99Ms' },
    { text: 'polls of a waiting ticket meanwhile, p99 ms', bar: { atMost: 100 }, over: 'flood.pollsP99Ms' },
  ],
  measure: (context) =>
    alternate(
      context,
      [contender(context, 'peak', 1), contender(context, 'flood', FLOOD)],
      [`a gate behind a wire of ${GATE_MS} ms, which takes ${CAPACITY} joins/s; open loop.`],
    ),
};

const contender = (context: Context, name: string, factor: number): Contender => ({
  name,
  async open(stack) {
    const owner = ownerOf(stack);
    const redis = stack.use(await startRedis('always'));
    const proxy = await startTcpProxy(owner, redis.url);
    const databaseUrl = await (await context.stand.database()).url(`overload_${name}`);
    const front = stack.use(await startFront({ redisUrl: proxy.url, databaseUrl }));
    const campaign = context.stand.freshName(name);
    await front.createCampaign({ id: campaign, stock: 1_000_000 });
    const ticket = await front.join(campaign, 'first');
    proxy.delay(GATE_MS);
    return async () => {
      const url = `http://127.0.0.1:${front.port}`;
      const polls = steadyLoad(owner, url, 50, () => ({ method: 'GET', path: `/v1/tickets/${ticket}` }));
      const report = await fire({
        port: front.port,
        path: joinPath(campaign),
        connectionsMax: 2_000,
        crowd: context.stand.freshName('gun'),
        ratePerSecond: factor * CAPACITY,
        seconds: Math.max(4, context.seconds),
      });
      await polls.stop();
      const { statuses, answeredMs, admittedP99Ms, refusedP99Ms } = report;
      const odd = Object.keys(statuses).filter((status) => status !== '202' && status !== '503');
      if (odd.length > 0) throw new Error(`some joins were ${odd.join(', ')}: ${JSON.stringify(statuses)}`);
      expectStatuses('polls', polls.shots, [200]);
      const ratePerSecond = ((statuses[202] ?? 0) * 1_000) / answeredMs;
      return { ratePerSecond, admittedP99Ms, refusedP99Ms, pollsP99Ms: withinMs(polls.shots, 0.99) };
    };
  },
});

async function fire(order: GunOrder): Promise<GunReport> {
  const program = new URL('../../test/helpers/overload-gun.ts', import.meta.url).pathname;
  const gun = startChild({ role: 'load', command: [process.execPath, program, JSON.stringify(order)] });
  const [code] = await new Promise<[number | null]>((resolve) => gun.child.once('close', (code) => resolve([code])));
  if (code !== 0) throw new Error(`the load ended with ${code}: ${gun.output()}`);
  return JSON.parse(gun.output()) as GunReport;
}
