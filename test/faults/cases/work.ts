// Work that does not go well: entries that are poison, a shard that is stuck, workers that are too slow.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import { countJoins, percentile } from '../crowd/history.ts';
import { keyOf, pendingOf, rowWaits, seqOf } from './watch.ts';

const SHARDS = 4;

const poison: FaultCase = {
  numbers: [37],
  name: 'one ticket in a hundred is refused by the ledger, and garbage is written into the streams',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    await house.database.sql(
      `CREATE TRIGGER poison BEFORE INSERT ON issuances FOR EACH ROW
         IF NEW.user LIKE 'poison-%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'poison'; END IF`,
    );
    // More than is bought: nobody attends to the streams of a sale that is sold out and settled, garbage or not.
    const sale = await house.openSale({ stock: 700, shards: SHARDS });
    const nameOf = (index: number) => (index % 100 === 7 ? `poison-${index}` : `buyer-${index}`);
    const crowd = sale.crowd({ buyers: 600, perSecond: 250, nameOf });
    let garbage = 0;
    while (crowd.settledCount() < 600) {
      const shard = between(stage.chance, 0, SHARDS - 1);
      const seq = await seqOf(house.redis.raw, sale);
      const id = `${seq - ((((seq - shard) % SHARDS) + SHARDS) % SHARDS)}-7`;
      const written = await house.redis.raw.xadd(keyOf(sale, `work:${shard}`), id, 'x', '{').catch(() => null);
      if (written !== null) garbage += 1;
      await sleep(60);
    }
    const good = 594;
    const goodMs = await until('all others are issued', 10_000, async () => {
      const [row] = await house.database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [sale.id]);
      return Number(row!.n) >= good;
    }).then(
      () => true,
      () => false,
    );
    await house.database.sql('DROP TRIGGER poison');
    await crowd.ended;
    // Workers read the streams of sales in which tickets wait: garbage behind the last ticket stays until the next buyers come.
    await sale.crowd({ buyers: SHARDS, perSecond: 250, nameOf: (index) => `late-${index}` }).ended;
    const verdict = await sale.check({}, 30_000);
    const waits = await rowWaits(house, sale, 'buyer-%');
    const p99 = percentile(waits, 0.99);
    const retrying = new Set(
      sale
        .history()
        .sightings.filter(({ status }) => status === 'retrying')
        .map((s) => s.user),
    );
    return {
      37: {
        injected: `6 rows that the ledger refuses, ${garbage} foreign entries`,
        seen: `${good} others issued with p99 ${p99} ms beside them; ${retrying.size} buyers were told "retrying"`,
        holds: {
          'garbage was written': garbage > 5,
          'no good ticket waited for a bad one': goodMs && p99 < 5_000,
          'the bad ones were told so': retrying.size > 0,
        },
        verdict,
      },
    };
  },
};

const stuckShard: FaultCase = {
  numbers: [38],
  name: 'the rows of one shard wait for a lock, and the other shards go on',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 400, shards: SHARDS });
    const locker = await house.database.connect();
    await locker.query('START TRANSACTION');
    // Units of a fresh gate are its seqs, so these rows are all of shard 0.
    const units = Array.from({ length: 100 }, (_, index) => (index + 1) * SHARDS);
    const rows = units.map((unit) => [
      sale.id,
      unit,
      `lock-${unit}`,
      unit,
      1,
      String(unit).padStart(16, '0'),
      new Date(),
      400,
    ]);
    const into = 'INSERT INTO issuances (campaign, unit, user, seq, epoch, code, admitted_at, last_unit) VALUES ?';
    await locker.query(into, [rows]);
    const crowd = sale.crowd({ buyers: 400, perSecond: 200, againShare: 0 });
    const others = 300;
    await until('the other shards are issued', 15_000, async () => {
      const [row] = await house.database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [sale.id]);
      return Number(row!.n) >= others;
    });
    const stuck = Object.values(await pendingOf(house.redis.raw, sale, 1)).reduce((sum, count) => sum + count, 0);
    const waits = await rowWaits(house, sale);
    await locker.query('ROLLBACK');
    await crowd.ended;
    const verdict = await sale.check();
    const p99 = percentile(waits, 0.99);
    return {
      38: {
        injected: `a lock on the 100 rows of shard 0 for the whole sale (${stuck} entries stuck)`,
        seen: `the other shards' p99 from admission to row was ${p99} ms`,
        holds: { 'the shard was stuck': stuck > 0, 'the others did not wait for it': p99 < 3_000 },
        verdict,
      },
    };
  },
};

const backlogged: FaultCase = {
  numbers: [39],
  name: 'workers are throttled to a tenth, and the backlog is bounded',
  run: async (stage) => {
    const [backlogMax, perRowMs] = [100, 8];
    const house = await stage.house({ workers: ['w1'] });
    await house.database.sql(
      `CREATE TRIGGER slow BEFORE INSERT ON issuances FOR EACH ROW DO SLEEP(${perRowMs / 1_000})`,
    );
    const sale = await house.openSale({ stock: 600, shards: 1, backlogMax });
    const crowd = sale.crowd({ buyers: 700, perSecond: 350, patienceMs: 60_000, againShare: 0 });
    let deepest = 0;
    const watching = (async () => {
      while (crowd.settledCount() < 700) {
        const fields = await house.redis.raw.hmget(keyOf(sale, 'gate'), 'seq', 'settled');
        deepest = Math.max(deepest, Number(fields[0]) - Number(fields[1]));
        await sleep(15);
      }
    })();
    const history = await crowd.ended;
    await watching;
    const verdict = await sale.check();
    const refusals = history.joins.filter((join) => join.kind === 'unknown');
    const waits = await rowWaits(house, sale);
    const p99 = percentile(waits, 0.99);
    // A batch in hand and one behind it, at three times what a row takes on a machine that is free.
    const bound = 2 * backlogMax * perRowMs * 3;
    return {
      39: {
        injected: `350 joins/s on workers that write ${Math.round(1_000 / perRowMs)} rows/s, backlog bound ${backlogMax}`,
        seen: `deepest backlog ${deepest}, ${refusals.length} joins told to come back, wait p99 ${p99} ms`,
        holds: {
          'the backlog never passed its bound': deepest <= backlogMax,
          'the rest were told when to come back':
            refusals.length > 100 && refusals.every((join) => join.status === 503 && join.retryAfterMs !== undefined),
          'nobody waited for hours unknowingly': p99 < bound,
          'the stock was sold': countJoins(history, ({ kind }) => kind === 'ok') >= 600,
        },
        verdict,
      },
    };
  },
};

export const work: readonly FaultCase[] = [poison, stuckShard, backlogged];
