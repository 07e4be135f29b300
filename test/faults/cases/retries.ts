// Single tickets that go through BullMQ: stalled jobs, duplicate hops, a storm of retries, and what ends as a dead letter.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { percentile } from '../crowd/history.ts';
import type { House } from '../stage/stage.ts';
import { keyOf, pendingOf, rowCount, rowWaits, settled } from './watch.ts';

const QUEUE = '{sluice-retry}:issuance';

/** The ledger refuses the rows of these users until the trigger is gone. */
const refuseRowsOf = (house: House, pattern: string) =>
  house.database.sql(
    `CREATE TRIGGER refusal BEFORE INSERT ON issuances FOR EACH ROW
       IF NEW.user LIKE '${pattern}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'; END IF`,
  );
const acceptAll = (house: House) => house.database.sql('DROP TRIGGER refusal');

const jobIds = async (raw: Redis): Promise<string[]> =>
  (await raw.keys(`${QUEUE}:t-*`)).filter((name) => !name.endsWith(':lock') && !name.endsWith(':logs'));

/** Makes what a dead worker held count as stalled at once, instead of after half a minute. */
async function expireLocks(raw: Redis): Promise<void> {
  const locks = await raw.keys(`${QUEUE}:*:lock`);
  await raw.del(`${QUEUE}:stalled-check`, ...locks);
}

const STALLS = 4;

const stalled: FaultCase = {
  numbers: [53],
  name: 'the worker dies again and again with the same retry in hand',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const { raw } = house.redis;
    await refuseRowsOf(house, 'hard-%');
    const sale = await house.openSale({ stock: 20, shards: 1 });
    const crowd = sale.crowd({ buyers: 1, perSecond: 10, nameOf: () => 'hard-1', patienceMs: 90_000, againShare: 0 });
    await until('it is being retried', 10_000, async () => (await jobIds(raw)).length === 1);
    // From now on an attempt waits for this lock, in the middle of which its worker is killed.
    await acceptAll(house);
    const locker = await house.database.connect();
    await locker.query('LOCK TABLES issuances WRITE');
    let killed = 0;
    for (; killed < STALLS; killed += 1) {
      await until('an attempt is active', 20_000, async () => (await raw.llen(`${QUEUE}:active`)) === 1);
      await house.workers.get('w1')!.end('SIGKILL');
      await expireLocks(raw);
      await house.startWorker('w1');
      // One look marks the job, the next one takes it back: they are half a minute apart.
      await until('the job is marked', 10_000, async () => {
        if ((await raw.scard(`${QUEUE}:stalled`)) > 0) return true;
        return (await raw.llen(`${QUEUE}:active`)) === 0;
      });
      await raw.del(`${QUEUE}:stalled-check`);
      await house.workers.get('w1')!.end('SIGKILL');
      await house.startWorker('w1');
    }
    await locker.query('UNLOCK TABLES');
    await crowd.ended;
    const verdict = await sale.check({}, 60_000);
    const failed = await raw.zcard(`${QUEUE}:failed`);
    return {
      53: {
        injected: `${killed} times kill -9 with the same job active`,
        seen: `${verdict.rowCount} row, ${verdict.letterCount} dead letters, ${failed} jobs failed`,
        holds: {
          'more often than BullMQ forgives by default': killed > 1,
          'no job is left in the failed set': failed === 0,
          'it ended as one fact': verdict.rowCount + verdict.letterCount === 1,
        },
        verdict,
      },
    };
  },
};

const hops: FaultCase = {
  numbers: [54, 56],
  name: 'a worker dies after it scheduled retries and before it acked; they are over when the entries come again',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'], worker: { CLAIM_IDLE_MS: '6000' } });
    const { raw } = house.redis;
    await refuseRowsOf(house, 'hop-%');
    const sale = await house.openSale({ stock: 40, shards: 1 });
    const stall = house.links.workerRedis.loseAnswerTo(':exceptions', 'stall').sprung;
    const nameOf = (index: number) => (index < 10 ? `hop-${index}` : `buyer-${index}`);
    const crowd = sale.crowd({ buyers: 30, perSecond: 1e6, nameOf, patienceMs: 60_000, againShare: 0 });
    await stall;
    const jobs = await until('retries are scheduled', 8_000, async () => {
      const ids = await jobIds(raw);
      return ids.length >= 1 && ids;
    });
    const pending = Object.values(await pendingOf(raw, sale, 1)).reduce((sum, count) => sum + count, 0);
    await house.workers.get('w1')!.end('SIGKILL');
    await acceptAll(house);
    // The heir runs the jobs at once; the entries are claimed only when the dead worker has been silent for long.
    await house.startWorker('heir');
    const rowsFirst = await until('the jobs have written their rows', 8_000, async () => {
      const rows = await house.database.sql("SELECT user FROM issuances WHERE campaign = ? AND user LIKE 'hop-%'", [
        sale.id,
      ]);
      return rows.length >= jobs.length && rows.length;
    });
    const pendingThen = Object.values(await pendingOf(raw, sale, 1)).reduce((sum, count) => sum + count, 0);
    await crowd.ended;
    const verdict = await sale.check({}, 30_000);
    const left = await jobIds(raw);
    return {
      54: {
        injected: `${jobs.length} jobs that had been done and were removed, scheduled or issued again with their entries`,
        seen: `${left.length} jobs left, ${verdict.rowCount} rows for ${verdict.ticketCount} tickets`,
        holds: { 'nothing is left': left.length === 0, 'a row each': verdict.rowCount === 30 },
        verdict,
      },
      56: {
        injected: `kill -9 with ${jobs.length} retries scheduled and ${pending} entries not acked`,
        seen: `${rowsFirst} rows were written by retries while ${pendingThen} entries were still pending`,
        holds: {
          'both hops were there at once': pending > 0 && jobs.length > 0,
          'the rows came by the retries first': rowsFirst >= jobs.length && pendingThen > 0,
        },
      },
    };
  },
};

const storm: FaultCase = {
  numbers: [57],
  name: 'hundreds of retries come due on a ledger that has just recovered, beside new buyers',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 900, shards: 4 });
    await sale.crowd({ buyers: 200, perSecond: 100, nameOf: (i) => `calm-${i}`, againShare: 0 }).ended;
    const calm = percentile(await rowWaits(house, sale, 'calm-%'), 0.99);
    await refuseRowsOf(house, 'storm-%');
    const stormy = sale.crowd({
      buyers: 300,
      perSecond: 600,
      nameOf: (i) => `storm-${i}`,
      againShare: 0,
      patienceMs: 60_000,
    });
    await until(
      'all are to be retried',
      20_000,
      async () => Number(await house.redis.raw.hget(keyOf(sale, 'gate'), 'retrying')) === 300,
    );
    await acceptAll(house);
    const fresh = sale.crowd({ buyers: 200, perSecond: 100, nameOf: (i) => `fresh-${i}`, againShare: 0 });
    await fresh.ended;
    await stormy.ended;
    const p99 = percentile(await rowWaits(house, sale, 'fresh-%'), 0.99);
    const verdict = await sale.check({}, 60_000);
    const issued = await house.database.sql(
      `SELECT TIMESTAMPDIFF(MICROSECOND, MIN(issued_at), MAX(issued_at)) / 1000 AS ms FROM issuances
        WHERE campaign = ? AND user LIKE 'storm-%'`,
      [sale.id],
    );
    const spreadMs = Math.round(Number(issued[0]!.ms));
    return {
      57: {
        injected: '300 retries scheduled in half a second, then accepted',
        seen: `they came over ${spreadMs} ms; new buyers waited p99 ${p99} ms, before it ${calm} ms`,
        holds: {
          'they did not come all at once': spreadMs > 300,
          // Twice the calm, or what a loaded machine adds to anything.
          'new buyers hardly noticed': p99 <= Math.max(2 * calm, 500),
        },
        verdict,
      },
    };
  },
};

const givenUp: FaultCase = {
  numbers: [53],
  name: 'a ticket that the ledger never takes, beside one that it takes late',
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    await refuseRowsOf(house, 'never-%');
    const sale = await house.openSale({ stock: 20, shards: 2 });
    const nameOf = (index: number) => (index === 3 ? 'never-1' : `buyer-${index}`);
    const crowd = sale.crowd({ buyers: 10, perSecond: 20, nameOf, patienceMs: 180_000, againShare: 0 });
    await settled(crowd, 10);
    await crowd.ended;
    await sleep(500);
    const verdict = await sale.check({}, 60_000);
    const failed = await house.redis.raw.zcard(`${QUEUE}:failed`);
    return {
      53: {
        injected: 'a row refused at every attempt',
        seen: `${verdict.letterCount} dead letter, ${await rowCount(house, sale)} rows, ${failed} jobs in the failed set`,
        holds: {
          'it is kept for an operator': verdict.letterCount === 1,
          'its buyer was told': sale
            .history()
            .sightings.some(({ status, user }) => status === 'failed' && user === 'never-1'),
          'the failed set is empty': failed === 0,
        },
        verdict,
      },
    };
  },
};

export const retries: readonly FaultCase[] = [stalled, hops, storm, givenUp];
