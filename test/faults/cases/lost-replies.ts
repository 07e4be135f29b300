// Answers of the gate that never arrive: the script ran, and the front will not know.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import { countJoins, percentile, ticketsOf, tookMs } from '../crowd/history.ts';

/** Only the call that decides joins names this key. */
const ADMISSION = ':free';
/** A silent connection is replaced after two deadlines of a gate call; and a second. */
const ENDS_WITHIN_MS = 3_000;

const FATES = ['close', 'close', 'hang', 'close', 'close', 'close', 'hang', 'close', 'close', 'close'] as const;

const lostReply: FaultCase = {
  numbers: [1, 2],
  name: 'replies of the gate are swallowed, then the connection is reset or stays silent',
  quick: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 500, shards: 4 });
    const crowd = sale.crowd({ buyers: 700, perSecond: 200, againShare: 0.3 });
    for (const fate of FATES) {
      await house.links.frontRedis.loseAnswerTo(ADMISSION, fate).sprung;
      await sleep(between(stage.chance, 40, 250));
    }
    const history = await crowd.ended;
    const verdict = await sale.check();
    const unknown = countJoins(history, ({ kind }) => kind === 'unknown');
    const holders = ticketsOf(history).size;
    const slowest = Math.round(Math.max(...history.joins.map(tookMs)));
    const silent = FATES.filter((fate) => fate === 'hang').length;
    return {
      1: {
        injected: `${FATES.length - silent} replies lost with a reset, ${silent} in silence`,
        seen: `${unknown} joins unknown, ${verdict.gate.seq} entries for ${holders} users`,
        holds: {
          'replies were lost': house.links.frontRedis.lostCount() >= FATES.length,
          'somebody did not know': unknown > 0,
          'as many entries as users who hold a ticket': verdict.gate.seq === holders,
        },
        verdict,
      },
      2: {
        injected: `${FATES.length} replies lost, nothing is resent`,
        seen: `slowest of ${history.joins.length} joins ${slowest} ms, p50 ${percentile(history.joins.map(tookMs), 0.5)} ms`,
        holds: { 'every join ended within its deadline and a second': slowest < ENDS_WITHIN_MS },
      },
    };
  },
};

const BURSTS = 12;
const BURST = 50;

const cutReply: FaultCase = {
  numbers: [5],
  name: 'replies to whole batches of joins are cut after k bytes and the connection reset',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: BURSTS * BURST, shards: 4 });
    const cuts: number[] = [];
    let unknown = 0;
    for (let burst = 0; burst < BURSTS; burst += 1) {
      const bytes = between(stage.chance, 1, 500);
      house.links.frontRedis.loseAnswerTo(ADMISSION, { cutAfter: bytes });
      cuts.push(bytes);
      const nameOf = (index: number) => `burst-${burst}-${index}`;
      const history = await sale.crowd({ buyers: BURST, perSecond: 1e6, againShare: 0.1, nameOf, polls: false }).ended;
      unknown += countJoins(history, ({ kind }) => kind === 'unknown');
    }
    const verdict = await sale.check();
    return {
      5: {
        injected: `${BURSTS} replies cut after ${Math.min(...cuts)} to ${Math.max(...cuts)} bytes, ${BURST} joins at once`,
        seen: `${unknown} joins unknown, ${verdict.gate.seq} entries for ${verdict.ticketCount} users`,
        holds: {
          'whole batches did not know': unknown >= BURSTS * 2,
          'every member of a cut batch has one ticket': verdict.gate.seq === BURSTS * BURST,
        },
        verdict,
      },
    };
  },
};

export const lostReplies: readonly FaultCase[] = [lostReply, cutReply];
