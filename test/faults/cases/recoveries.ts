// What else goes on while a gate is rebuilt: clocks that are wrong, operators who change the sale, strangers' entries.
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { countJoins } from '../crowd/history.ts';
import { buildClock } from '../stage/clock.ts';
import type { Sale } from '../stage/sale.ts';
import { keyOf, rowCount, SHORT_GRACE, seqOf, settled } from './watch.ts';

const HOUR_S = 3_600;
const SHARDS = 4;
const PATIENT = { patienceMs: 45_000, againShare: 0 };

const reconcilePath = (sale: Sale) => `/admin/campaigns/${sale.id}/reconcile`;
const post = (sale: Sale, path: string, body?: object, headers: Record<string, string> = {}) =>
  sale.admin(path, { method: 'POST', headers, ...(body !== undefined && { body: JSON.stringify(body) }) });

/** Builds the gate anew as an operator; false when the front said that it was not done. */
const repair = async (sale: Sale): Promise<boolean> => (await post(sale, reconcilePath(sale))).status === 200;

const rebuiltAhead: FaultCase = {
  numbers: [23],
  name: 'the clock of Redis is three hours ahead when a gate is rebuilt, and comes home',
  needs: ['compiler'],
  run: async (stage) => {
    const clock = buildClock(stage.folder);
    const house = await stage.house({ workers: ['w1'], redis: { environment: clock.environment }, front: SHORT_GRACE });
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    await sale.crowd({ buyers: 100, perSecond: 200, nameOf: (i) => `before-${i}` }).ended;
    clock.set(3 * HOUR_S);
    const rebuilt = await repair(sale);
    const graceEndsAt = Number(await house.redis.raw.hget(keyOf(sale, 'gate'), 'recovering_until'));
    clock.set(0);
    await sale.crowd({ buyers: 100, perSecond: 200, nameOf: (i) => `after-${i}`, ...PATIENT }).ended;
    const verdict = await sale.check();
    const aheadMs = Math.round(graceEndsAt - Date.now());
    return {
      23: {
        injected: `a rebuild whose grace ends ${Math.round(aheadMs / 60_000)} minutes from now by a clock that is right`,
        seen: `${verdict.gate.seq} of 200 admitted`,
        holds: {
          'the gate was rebuilt while the clock was ahead': rebuilt && aheadMs > HOUR_S * 1_000,
          'newcomers were admitted when the clock was right again': verdict.gate.seq === 200,
        },
        verdict,
      },
    };
  },
};

const frontOff: FaultCase = {
  numbers: [23],
  name: 'the clock of the front is set back an hour, then an hour ahead, and home',
  needs: ['compiler'],
  run: async (stage) => {
    const clock = buildClock(stage.folder);
    const house = await stage.house({ workers: ['w1'], front: clock.environment });
    const now = Date.now();
    const [opensAt, closesAt] = [-60_000, 1_800_000].map((ms) => new Date(now + ms).toISOString()) as [string, string];
    const sale = await house.openSale({
      stock: 1_000,
      shards: SHARDS,
      ratePerSecond: 50,
      burst: 50,
      opensAt,
      closesAt,
    });
    let jumpCount = 0;
    for (const [index, jump] of [-HOUR_S, HOUR_S, 0].entries()) {
      // More than the bucket holds: some are told to wait just before the jump, and come again.
      const crowd = sale.crowd({ buyers: 120, perSecond: 400, nameOf: (i) => `jump-${index}-${i}`, ...PATIENT });
      await settled(crowd, 20);
      clock.set(jump);
      const told = (await fetch(`${house.front.url}/livez`)).headers.get('date');
      await crowd.ended;
      const later = (await fetch(`${house.front.url}/livez`)).headers.get('date') ?? told;
      if (Math.abs((Date.parse(later!) - Date.now()) / 1_000 - jump) < 60) jumpCount += 1;
    }
    const verdict = await sale.check();
    const wrong = countJoins(sale.history(), (join) => join.kind === 'refused' && join.status !== 429);
    return {
      23: {
        injected: 'jumps of the front by -3600 s, 3600 s and 0 s in a sale with a rate and a window of 31 minutes',
        seen: `${verdict.gate.seq} of 360 admitted, ${wrong} told that the sale is not open or over`,
        holds: {
          'the clock did jump': jumpCount === 3,
          'everybody was admitted': verdict.gate.seq === 360,
          'nobody was refused for the front’s clock': wrong === 0,
        },
        verdict,
      },
    };
  },
};

const CHANGES = 6;

const operatorActs: FaultCase = {
  numbers: [11],
  name: 'Redis is empty in mid-sale, and an operator pauses, adds stock and resumes while the gate is rebuilt',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], worker: SHORT_GRACE });
    const sale = await house.openSale({ stock: 100, shards: SHARDS });
    await sale.crowd({ buyers: 100, perSecond: 200, nameOf: (i) => `before-${i}` }).ended;
    await until('all rows are written', 20_000, async () => (await rowCount(house, sale)) === 100);
    await house.redis.raw.flushall();
    const path = `/admin/campaigns/${sale.id}`;
    let doneCount = 0;
    for (let change = 0; change < CHANGES; change += 1) {
      const key = { 'idempotency-key': `more-${change}` };
      const answers = [
        await post(sale, `${path}/pause`),
        await post(sale, `${path}/stock`, { add: 10 }, key),
        await post(sale, `${path}/resume`),
      ];
      if (answers.every(({ status }) => status === 200)) doneCount += 1;
    }
    const crowd = sale.crowd({ buyers: 10 * CHANGES, perSecond: 100, nameOf: (i) => `after-${i}`, ...PATIENT });
    await crowd.ended;
    const verdict = await sale.check();
    const { text } = await sale.admin(reconcilePath(sale));
    const stock = Number(await house.redis.raw.hget(keyOf(sale, 'gate'), 'stock'));
    const rows = await rowCount(house, sale);
    return {
      11: {
        injected: `100 tickets forgotten, ${3 * CHANGES} changes by an operator until and after the rebuild`,
        seen: `stock of the gate ${stock}, ${rows} rows, epoch ${verdict.gate.epoch}`,
        holds: {
          'every change was taken': doneCount === CHANGES,
          'the gate has the stock of the ledger': stock === 100 + 10 * CHANGES,
          'what was added is sold': rows === 100 + 10 * CHANGES,
          'gate and ledger have the same settings': !text.includes('settings-differ'),
        },
        verdict,
      },
    };
  },
};

const closedAndForeign: FaultCase = {
  numbers: [37],
  name: 'garbage is written into a stream of a closed campaign, which no worker reads, and its gate is rebuilt',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'], front: SHORT_GRACE });
    const sale = await house.openSale({ stock: 50, shards: SHARDS });
    await sale.crowd({ buyers: 40, perSecond: 200 }).ended;
    await until('all rows are written', 20_000, async () => (await rowCount(house, sale)) === 40);
    await post(sale, `/admin/campaigns/${sale.id}/close`);
    const work = keyOf(sale, 'work:0');
    const garbage = (await house.redis.raw.xadd(work, '*', 'x', 'y'))!;
    const rebuilt = await repair(sale);
    const left = await house.redis.raw.xrange(work, garbage, garbage);
    const epochs = await house.database.sql('SELECT COUNT(*) AS n FROM epochs WHERE campaign = ?', [sale.id]);
    const verdict = await sale.check();
    return {
      37: {
        injected: '1 foreign entry with an id by the clock, in a campaign that is closed and settled',
        seen: `${Number(epochs[0]!.n)} epochs begun, seq ${await seqOf(house.redis.raw, sale)} of 40`,
        holds: {
          'the gate was rebuilt': rebuilt,
          'the garbage is gone': left.length === 0,
          'epochs were not used up': Number(epochs[0]!.n) <= 3,
        },
        verdict,
      },
    };
  },
};

export const recoveries: readonly FaultCase[] = [rebuiltAhead, frontOff, operatorActs, closedAndForeign];
