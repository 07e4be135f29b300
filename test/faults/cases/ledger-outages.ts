// The database server that is out of connections, stands still, is read-only or full: joins go on, tickets wait.
import { setTimeout as sleep } from 'node:timers/promises';
import mysql, { type Connection } from 'mysql2/promise';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import type { Crowd } from '../crowd/crowd.ts';
import { countJoins, percentile, tookMs } from '../crowd/history.ts';
import type { Sale } from '../stage/sale.ts';
import type { House } from '../stage/stage.ts';
import { mountSmallDisk } from '../stage/tmpfs.ts';
import { keyOf, rowCount, settled } from './watch.ts';

const SHARDS = 4;

/** What a crowd of an outage saw: every join answered with a ticket, and how fast. */
function served({ history }: Crowd): { errors: number; joinP99: number; pollP99: number } {
  return {
    errors: countJoins(history, ({ kind }) => kind !== 'ok') + history.misses.length,
    joinP99: percentile(history.joins.map(tookMs), 0.99),
    pollP99: percentile(history.sightings.map(tookMs), 0.99),
  };
}

const settledCount = async (house: House, sale: Sale): Promise<number> =>
  Number(await house.redis.raw.hget(keyOf(sale, 'gate'), 'settled'));

const noConnections: FaultCase = {
  numbers: [47],
  name: 'the database has no connection left for anybody',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'], ownDatabase: true });
    const sale = await house.openSale({ stock: 600, shards: SHARDS });
    await sale.crowd({ buyers: 100, perSecond: 200 }).ended;
    await house.workers.get('w1')!.end('SIGKILL');
    await house.database.sql('SET GLOBAL max_connections = 20');
    const held: Connection[] = [];
    while (held.length < 40) {
      const connection = await mysql.createConnection({ uri: house.database.url }).catch(() => undefined);
      if (connection === undefined) break;
      connection.on('error', () => undefined);
      held.push(connection);
    }
    await house.startWorker('w2');
    const crowd = sale.crowd({ buyers: 300, perSecond: 100, nameOf: (index) => `during-${index}` });
    await settled(crowd, 300);
    const waiting = (await rowCount(house, sale)) <= 100;
    const { errors, joinP99, pollP99 } = served(crowd);
    for (const connection of held) connection.destroy();
    await crowd.ended;
    const verdict = await sale.check();
    return {
      47: {
        injected: `${held.length} connections held by others, the server refuses more`,
        seen: `meanwhile 300 joins and their polls with ${errors} errors, join p99 ${joinP99} ms, poll p99 ${pollP99} ms`,
        holds: {
          'workers could not write': waiting,
          'no client saw an error': errors === 0,
          'joins and polls were as quick as ever': joinP99 < 250 && pollP99 < 250,
        },
        verdict,
      },
    };
  },
};

const hung: FaultCase = {
  numbers: [48],
  name: 'the database stands still for longer than a statement may take, then goes on',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'], ownDatabase: true });
    const sale = await house.openSale({ stock: 600, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 600, perSecond: 100, patienceMs: 60_000 });
    await settled(crowd, 100);
    const pid = house.databaseServer!.pid();
    process.kill(pid, 'SIGSTOP');
    const frozen = await settledCount(house, sale);
    await sleep(10_000);
    const during = await settledCount(house, sale);
    const admitted = crowd.settledCount();
    process.kill(pid, 'SIGCONT');
    const wokenAt = performance.now();
    await until('work goes on', 15_000, async () => (await settledCount(house, sale)) > during);
    const wokenMs = Math.round(performance.now() - wokenAt);
    await crowd.ended;
    const verdict = await sale.check();
    const errors = countJoins(crowd.history, ({ kind }) => kind === 'unknown');
    return {
      48: {
        injected: 'SIGSTOP of the database for 10 s, statements end after 8 s',
        seen: `${admitted - 100} joins answered meanwhile (${errors} errors), ${during - frozen} tickets settled, work went on after ${wokenMs} ms`,
        holds: {
          'joins went on': admitted >= 600 && errors === 0,
          // What was committed before the stand-still may still be acked in it.
          'nothing was acked that could not be known': during - frozen <= 60,
          'work went on by itself': wokenMs < 10_000,
        },
        verdict,
      },
    };
  },
};

const readOnly: FaultCase = {
  numbers: [49],
  name: 'the database becomes read-only under the workers, as when it is demoted',
  run: async (stage) => {
    const house = await stage.house({ ownDatabase: true });
    // An account that may not write to a read-only server, unlike the one of the tests.
    await house.database.sql("CREATE USER 'plain'@'127.0.0.1' IDENTIFIED BY 'plain'");
    await house.database.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON sluice.* TO 'plain'@'127.0.0.1'");
    const url = Object.assign(new URL(house.links.workerDatabase.url), { username: 'plain', password: 'plain' }).href;
    await house.startWorker('w1', { DATABASE_URL: url });
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 300, perSecond: 150 });
    await settled(crowd, 80);
    await house.database.sql('SET GLOBAL read_only = 1');
    await sleep(300);
    const [rows, acked] = [await rowCount(house, sale), await settledCount(house, sale)];
    await sleep(2_500);
    const [rowsAfter, ackedAfter] = [await rowCount(house, sale), await settledCount(house, sale)];
    await house.database.sql('SET GLOBAL read_only = 0');
    await crowd.ended;
    const verdict = await sale.check();
    return {
      49: {
        injected: 'read_only for 3 s',
        seen: `${rowsAfter - rows} rows and ${ackedAfter - acked} acks meanwhile, ${verdict.letterCount} dead letters`,
        holds: {
          'nothing was written': rowsAfter === rows,
          'nothing was acked': ackedAfter - acked <= 0 || ackedAfter <= rowsAfter,
          'no ticket was given up for it': verdict.letterCount === 0,
        },
        verdict,
      },
    };
  },
};

const tightServer: FaultCase = {
  numbers: [51],
  name: 'idle connections die after a second, and packets may hold no more than 256 kB',
  run: async (stage) => {
    const house = await stage.house({ ownDatabase: true });
    await house.database.sql('SET GLOBAL wait_timeout = 1');
    await house.database.sql('SET GLOBAL max_allowed_packet = 262144');
    const sale = await house.openSale({ stock: 1_200, shards: 1 });
    // The longest names, and no worker yet: the first batches are as large as batches get.
    const nameOf = (index: number) => `buyer-${index}-`.padEnd(128, 'x');
    await sale.crowd({ buyers: 1_000, perSecond: 2_000, againShare: 0, polls: false, nameOf }).ended;
    await house.startWorker('w1');
    await until('all are issued', 20_000, async () => (await rowCount(house, sale)) === 1_000);
    // Longer than an idle connection lives, again and again.
    for (let pause = 0; pause < 3; pause += 1) {
      await sleep(1_500);
      await sale.crowd({ buyers: 50, perSecond: 400, nameOf: (index) => `pause-${pause}-${index}` }).ended;
    }
    const verdict = await sale.check();
    return {
      51: {
        injected: '1,000 rows with names of 128 letters in full batches; three pauses longer than wait_timeout',
        seen: `${verdict.rowCount} rows, ${verdict.letterCount} dead letters`,
        holds: { 'no ticket was given up for it': verdict.letterCount === 0 && verdict.rowCount === 1_150 },
        verdict,
      },
    };
  },
};

const fullDisk: FaultCase = {
  numbers: [51],
  name: 'the disk of the database is full',
  needs: ['tmpfs'],
  run: async (stage) => {
    const disk = mountSmallDisk(stage.scope, stage.folder, 220);
    const house = await stage.house({ workers: ['w1'], ownDatabase: disk.folder });
    const sale = await house.openSale({ stock: 3_000, shards: SHARDS });
    await sale.crowd({ buyers: 50, perSecond: 200 }).ended;
    disk.fill(0);
    const crowd = sale.crowd({
      buyers: 2_500,
      perSecond: 500,
      nameOf: (i) => `${'y'.repeat(110)}-${i}`,
      patienceMs: 60_000,
    });
    await settled(crowd, 2_500, 30_000);
    const errors = countJoins(crowd.history, ({ kind }) => kind === 'unknown');
    await sleep(2_000);
    const [rows, acked] = [await rowCount(house, sale), await settledCount(house, sale)];
    disk.relieve();
    await crowd.ended;
    const verdict = await sale.check({}, 40_000);
    return {
      51: {
        injected: `a data folder without a free block, ${rows} of 2,550 rows fitted`,
        seen: `joins with ${errors} errors meanwhile, ${acked} settled with ${rows} rows; ${verdict.rowCount} rows in the end`,
        holds: {
          'joins went on': errors === 0,
          'nothing was acked without its row': acked <= rows,
          'no ticket was given up for it': verdict.letterCount === 0,
        },
        verdict,
      },
    };
  },
};

export const ledgerOutages: readonly FaultCase[] = [noConnections, hung, readOnly, tightServer, fullDisk];
