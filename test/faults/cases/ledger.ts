// The ledger that answers wrongly, late or not at all: what is not known to be committed is not told as issued.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import type { House } from '../stage/stage.ts';
import { keyOf, rowCount, settled } from './watch.ts';

const SHARDS = 4;
const INSERT = 'INSERT INTO issuances';
const COLUMNS = '(campaign, unit, user, seq, epoch, code, admitted_at, last_unit)';

/** A row as an intruder would write it. */
const planted = (campaign: string, unit: number, user: string, lastUnit: number): unknown[] => [
  campaign,
  unit,
  user,
  unit,
  1,
  `PLANTED${String(unit).padStart(9, '0')}`,
  new Date(),
  lastUnit,
];

const unknownCommit: FaultCase = {
  numbers: [41],
  name: 'the answers to committed batches are lost, by a reset or in silence',
  quick: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 400, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 400, perSecond: 200 });
    let lost = 0;
    for (; lost < 8; lost += 1) {
      const losing = house.links.workerDatabase.loseAnswerTo(INSERT, 'close').sprung;
      if (await Promise.race([losing.then(() => false), crowd.ended.then(() => true)])) break;
      await sleep(between(stage.chance, 20, 150));
    }
    await crowd.ended;
    const verdict = await sale.check();
    return {
      41: {
        injected: `${lost} INSERTs committed whose answer never came`,
        seen: `${verdict.rowCount} rows, ${verdict.letterCount} dead letters, ${verdict.gate.exceptions.size} exceptions`,
        holds: {
          'answers were lost': lost > 0,
          'nobody paid for it with another outcome': verdict.letterCount === 0 && verdict.gate.exceptions.size === 0,
        },
        verdict,
      },
    };
  },
};

const deadlocks: FaultCase = {
  numbers: [43],
  name: 'strangers lock the same rows in the opposite order',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], ownDatabase: true });
    const sale = await house.openSale({ stock: 400, shards: SHARDS });
    const deadlocksSoFar = async () => {
      const [row] = await house.database.sql("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'");
      return Number(row?.Value ?? 0);
    };
    const before = await deadlocksSoFar();
    const crowd = sale.crowd({ buyers: 400, perSecond: 100 });
    let tried = 0;
    const strangers = await Promise.all([house.database.connect(), house.database.connect()]);
    const fighting = strangers.map(async (connection) => {
      while (crowd.settledCount() < 400) {
        await lockBackwards(connection, house, sale.id, stage.chance).catch(() => connection.query('ROLLBACK'));
        tried += 1;
      }
    });
    await Promise.all([crowd.ended, ...fighting]);
    const met = (await deadlocksSoFar()) - before;
    const verdict = await sale.check();
    return {
      43: {
        injected: `${tried} transactions that hold rows of the next batches, last one first; ${met} deadlocks`,
        seen: `${verdict.rowCount} rows, ${verdict.letterCount} dead letters`,
        holds: { 'there were deadlocks': met > 0, 'no ticket was given up for one': verdict.letterCount === 0 },
        verdict,
      },
    };
  },
};

/** Writes rows of tickets to come one by one, downwards, and takes them back. */
async function lockBackwards(connection: Connection, house: House, campaign: string, chance: () => number) {
  const from = (await rowCount(house, { id: campaign })) + between(chance, 2, 20);
  await connection.query('START TRANSACTION');
  for (let unit = Math.min(400, from); unit > Math.max(0, from - 12); unit -= 1) {
    await connection.query(`${INSERT} ${COLUMNS} VALUES (?)`, [planted(campaign, unit, `stranger-${unit}`, 400)]);
    await sleep(4);
  }
  await connection.query('ROLLBACK');
}

const lockWait: FaultCase = {
  numbers: [44],
  name: 'one row of a batch is locked for longer than a lock wait lasts',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 100, shards: 1 });
    const locker = await house.database.connect();
    await locker.query('START TRANSACTION');
    await locker.query(`${INSERT} ${COLUMNS} VALUES (?)`, [planted(sale.id, 60, 'locker', 100)]);
    // All at once into one batch, or two.
    const crowd = sale.crowd({ buyers: 100, perSecond: 1e6, againShare: 0 });
    await settled(crowd, 100);
    const whole: number[] = [];
    for (let look = 0; look < 9; look += 1) {
      await sleep(500);
      whole.push(await rowCount(house, sale));
    }
    await locker.query('ROLLBACK');
    await crowd.ended;
    const verdict = await sale.check();
    const acked = verdict.gate.settled;
    return {
      44: {
        injected: 'a lock on unit 60 for 4.5 s, lock waits of 3 s',
        seen: `rows while it was locked: ${[...new Set(whole)].join(', ')}; ${acked} settled in the end`,
        holds: {
          'no batch was committed by half': whole.every((count) => count === whole[0]) && whole[0]! < 60,
          'the batch was tried again': verdict.rowCount === 100,
        },
        verdict,
      },
    };
  },
};

const NAMES = [
  'ann',
  'Ann',
  'ANN',
  'a b',
  `${'x'.repeat(127)}1`,
  `${'x'.repeat(127)}2`,
  "o'hara",
  'a\\b',
  'a"b',
  '100%',
  '--',
  ';',
];

const truncation: FaultCase = {
  numbers: [45],
  name: 'the user column becomes too narrow, and users differ in their last letter or its case',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 60, shards: 2 });
    const narrow = 'ALTER TABLE issuances MODIFY user varchar(12) character set ascii collate ascii_bin not null';
    await house.database.sql(narrow);
    const nameOf = (index: number) => NAMES[index] ?? `buyer-with-a-long-name-${index}`;
    const crowd = sale.crowd({ buyers: 60, perSecond: 200, nameOf });
    await settled(crowd, 60);
    await sleep(1_500);
    const cut = await house.database.sql('SELECT user FROM issuances WHERE campaign = ?', [sale.id]);
    const asked = new Set(Array.from({ length: 60 }, (_, index) => nameOf(index)));
    const strange = cut.filter(({ user }) => !asked.has(String(user)));
    await house.database.sql(narrow.replace('varchar(12)', 'varchar(128)'));
    await crowd.ended;
    const verdict = await sale.check({}, 30_000);
    const users = new Set(verdict.ledger.rows.map(({ user }) => user));
    return {
      45: {
        injected: `a column of 12 letters for 60 users, most of them longer`,
        seen: `${cut.length} rows written meanwhile, ${strange.length} of them cut; ${users.size} users in the end`,
        holds: {
          'the column was too narrow': cut.length < 60,
          'no name was ever cut': strange.length === 0,
          'every user is there by the letter': asked.difference(users).size === 0,
        },
        verdict,
      },
    };
  },
};

const standing: FaultCase = {
  numbers: [46],
  name: 'Redis forgets who was admitted: the same users come again with new tickets',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 200, shards: SHARDS });
    await sale.crowd({ buyers: 80, perSecond: 300, againShare: 0 }).ended;
    await house.redis.raw.del(...(await house.redis.raw.keys(keyOf(sale, 'users:*'))));
    // Old and new users in the same batches: some rows stand, some do not.
    const nameOf = (index: number) => (index % 2 === 0 ? `buyer-${index / 2}` : `new-${index}`);
    await sale.crowd({ buyers: 160, perSecond: 400, againShare: 0, nameOf }).ended;
    const verdict = await sale.check({ forgottenUsers: true });
    const kept = [...verdict.gate.exceptions.values()].filter((outcome) => outcome.startsWith('issued:')).length;
    return {
      46: {
        injected: '80 issued users with a second ticket each, mixed with 80 new ones',
        seen: `${verdict.rowCount} rows, ${kept} told the unit they had, ${verdict.gate.free.length} units returned and left`,
        holds: {
          'one row for each user': verdict.rowCount === 160,
          'who had a unit keeps that one': kept === 80,
        },
        verdict,
      },
    };
  },
};

export const ledger: readonly FaultCase[] = [unknownCommit, deadlocks, lockWait, truncation, standing];
