// What happens to machines: a clock that jumps, a cable that is pulled.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { openClient } from '../crowd/client.ts';
import { askToJoin } from '../crowd/crowd.ts';
import { countJoins, tookMs } from '../crowd/history.ts';
import { buildClock } from '../stage/clock.ts';
import { makeNamespace } from '../stage/namespace.ts';
import { isReady, seqOf, slowLedger } from './watch.ts';

const JUMPS_S = [3 * 3_600, -3_600, 0];
const RATE = 100;

const jumpingClock: FaultCase = {
  numbers: [23],
  name: 'the clock of Redis jumps three hours ahead, an hour back, and home',
  needs: ['compiler'],
  run: async (stage) => {
    const clock = buildClock(stage.folder);
    const house = await stage.house({ workers: ['w1', 'w2'], redis: { environment: clock.environment } });
    await slowLedger(house, 0.002);
    const sale = await house.openSale({ stock: 2_000, shards: 4, ratePerSecond: RATE, burst: RATE });
    const admitted: number[] = [];
    let seen = 0;
    for (const [index, jump] of JUMPS_S.entries()) {
      const before = await seqOf(house.redis.raw, sale);
      const from = performance.now();
      const crowd = sale.crowd({ buyers: 250, perSecond: 250, nameOf: (i) => `jump-${index}-${i}`, polls: false });
      await sleep(400);
      clock.set(jump);
      const time = (await house.redis.raw.time()) as (string | number)[];
      if (Math.abs(Number(time[0]) - Date.now() / 1_000 - jump) < 5) seen += 1;
      await crowd.ended;
      const seconds = (performance.now() - from) / 1_000;
      admitted.push(((await seqOf(house.redis.raw, sale)) - before) / (RATE + RATE * seconds));
    }
    // Who was admitted under one clock is known under every other.
    await sale.crowd({ buyers: 250, perSecond: 250, nameOf: (i) => `jump-0-${i}` }).ended;
    const verdict = await sale.check();
    return {
      23: {
        injected: `jumps of ${JUMPS_S.map((jump) => `${jump} s`).join(', ')} under load`,
        seen: `tickets by jump: ${admitted.map((share) => `${(share * 100).toFixed(0)} %`).join(', ')} of what rate and burst allow`,
        holds: {
          'the clock did jump': seen === JUMPS_S.length,
          'the bucket was never filled more than once by a jump': admitted.every((share) => share <= 1.3),
          'nobody was forgotten': verdict.gate.seq === 250 * JUMPS_S.length,
        },
        verdict,
      },
    };
  },
};

const pulledCable: FaultCase = {
  numbers: [3],
  name: 'the cable to Redis is pulled with joins on the way, and their packets arrive late',
  needs: ['namespace'],
  run: async (stage) => {
    const namespace = makeNamespace(stage.scope);
    const house = await stage.house({
      workers: ['w1'],
      redis: { host: namespace.host, wrapper: namespace.wrapper, settings: { 'enable-debug-command': 'yes' } },
    });
    const sale = await house.openSale({ stock: 300, shards: 4 });
    await sale.crowd({ buyers: 20, perSecond: 200 }).ended;
    const before = await seqOf(house.redis.raw, sale);
    namespace.pullCable();
    const client = openClient(house.front.url);
    const joins = await Promise.all(Array.from({ length: 60 }, (_, i) => askToJoin(client, sale.id, `cut-${i}`)));
    await sleep(1_000);
    namespace.plugCable();
    // The kernel sends again what nobody acknowledged: seconds after everybody has gone.
    await until('the front is ready', 20_000, () => isReady(house));
    await sleep(3_000);
    const ghosts = (await seqOf(house.redis.raw, sale)) - before - joins.filter(({ kind }) => kind === 'ok').length;
    const history = await sale.crowd({ buyers: 60, perSecond: 200, nameOf: (i) => `cut-${i}` }).ended;
    client.close();
    const verdict = await sale.check();
    return {
      3: {
        injected: '60 joins while the cable was out',
        seen: `slowest ${Math.round(Math.max(...joins.map(tookMs)))} ms, ${ghosts} ghosts when it was back`,
        holds: {
          'all of them did not know': joins.every(({ kind }) => kind === 'unknown'),
          'nobody was admitted by a late packet': ghosts === 0,
          'all were admitted on asking again': countJoins(history, ({ kind }) => kind === 'ok') >= 60,
        },
        verdict,
      },
    };
  },
};

export const machines: readonly FaultCase[] = [jumpingClock, pulledCable];
