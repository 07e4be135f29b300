// Answers of the gate that never arrive: the script ran, and the front will not know.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import { countJoins, percentile, ticketsOf, tookMs } from '../crowd/history.ts';

/** Only the call that decides joins names this key. */
const ADMISSION = ':free';
/** A silent connection is replaced after two deadlines of a gate call; and a second. */
const ENDS_WITHIN_MS = 3_000;

const lostReply: FaultCase = {
  numbers: [1, 2],
  name: 'replies of the gate are swallowed, then the connection is reset or stays silent',
  quick: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 500, shards: 4 });
    const crowd = sale.crowd({ buyers: 700, perSecond: 200, againShare: 0.3 });
    const fates = { close: 0, hang: 0 };
    for (const fate of [
      'close',
      'close',
      'hang',
      'close',
      'close',
      'close',
      'hang',
      'close',
      'close',
      'close',
    ] as const) {
      await house.links.frontRedis.loseAnswerTo(ADMISSION, fate);
      fates[fate] += 1;
      await sleep(between(stage.chance, 40, 250));
    }
    const history = await crowd.ended;
    const verdict = await sale.check();
    const unknown = countJoins(history, ({ kind }) => kind === 'unknown');
    const holders = ticketsOf(history).size;
    const slowest = Math.round(Math.max(...history.joins.map(tookMs)));
    const lost = fates.close + fates.hang;
    return {
      1: {
        injected: `${fates.close} replies lost with a reset, ${fates.hang} in silence`,
        seen: `${unknown} joins unknown, ${verdict.gate.seq} entries for ${holders} users`,
        holds: {
          'at least 8 replies were lost': lost >= 8,
          'somebody did not know': unknown > 0,
          'as many entries as users who hold a ticket': verdict.gate.seq === holders,
        },
        verdict,
      },
      2: {
        injected: `${lost} replies lost, nothing is resent`,
        seen: `slowest of ${history.joins.length} joins ${slowest} ms, p50 ${percentile(history.joins.map(tookMs), 0.5)} ms`,
        holds: { 'every join ended within its deadline and a second': slowest < ENDS_WITHIN_MS },
      },
    };
  },
};

export const lostReplies: readonly FaultCase[] = [lostReply];
