// A store that forgets: Redis empty or of yesterday, the ledger restored from an old dump. Nobody repairs a gate by hand.
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import { openClient } from '../crowd/client.ts';
import { askToJoin } from '../crowd/crowd.ts';
import type { JoinAnswer } from '../crowd/history.ts';
import type { House } from '../stage/stage.ts';
import { keyOf, rowCount, SHORT_GRACE, settled, slowLedger } from './watch.ts';

const SHARDS = 4;
const STOCK = 400;
const BUYERS = 500;
/** For who waits for a recovery: a worker looks every half second, and the grace comes after. */
const PATIENT = { patienceMs: 45_000, againShare: 0 };

/** Whether the gate sells in an epoch that it did not sell in before. */
const isOpenAgain = async (house: House, sale: { id: string }, epoch: string): Promise<boolean> => {
  const [now, runId] = await house.redis.raw.hmget(keyOf(sale, 'gate'), 'epoch', 'run_id');
  return typeof now === 'string' && now !== epoch && Boolean(runId);
};

async function waitingSeqs(house: House, sale: { id: string }): Promise<number[]> {
  const works = Array.from({ length: SHARDS }, (_, shard) => keyOf(sale, `work:${shard}`));
  const entries = await Promise.all(works.map((work) => house.redis.raw.xrange(work, '-', '+')));
  return entries.flat().map(([id]) => Number(id.split('-')[0]));
}

/** The last answer to each user's joins. */
const lastAnswers = (joins: readonly JoinAnswer[]): JoinAnswer[] =>
  [...Map.groupBy(joins, ({ user }) => user).values()].map((all) => all.at(-1)!);

const emptied = (how: string, forget: (house: House) => Promise<unknown>): FaultCase => ({
  numbers: [11],
  name: `Redis is empty in mid-sale: ${how}`,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], worker: SHORT_GRACE });
    // So that tickets are waiting when they are forgotten.
    await slowLedger(house, 0.06);
    const sale = await house.openSale({ stock: STOCK, shards: SHARDS });
    const crowd = sale.crowd({ buyers: BUYERS, perSecond: 120, ...PATIENT });
    await settled(crowd, between(stage.chance, 120, 220));
    const lost = await waitingSeqs(house, sale);
    const held = sale.holderCount();
    await forget(house);
    const emptyAt = performance.now();
    await until('the gate is open again', 20_000, () => isOpenAgain(house, sale, '1'));
    const openAt = performance.now();
    const { joins } = await crowd.ended;
    const verdict = await sale.check({ removedEntries: lost });
    const within = joins.filter(({ sentAt, endedAt }) => sentAt > emptyAt && endedAt < openAt);
    const strangerAt = Math.min(
      ...joins.filter((join) => join.kind === 'ok' && join.sentAt > emptyAt).map((join) => join.endedAt),
    );
    const ends = lastAnswers(joins);
    const soldOut = ends.filter((end) => end.kind === 'refused' && end.why === 'sold-out').length;
    const { restored, epoch } = verdict.gate;
    return {
      11: {
        injected: `${held} tickets handed out, ${lost.length} of them not yet issued, all forgotten`,
        seen:
          `closed ${seconds(openAt - emptyAt)} (${within.length} joins, all 503), the next new ticket after ` +
          `${seconds(strangerAt - emptyAt)}, ${restored.size} tickets restored by receipt, ${soldOut} told "sold out", over-issue ${Math.max(0, verdict.rowCount - STOCK)}`,
        holds: {
          'tickets were lost': lost.length > 0,
          'they came back by receipt': restored.size > 0,
          'joins at the closed gate were 503': within.length > 0 && within.every(({ status }) => status === 503),
          'it was rebuilt under a new epoch': epoch > 1,
          'every unit was sold': verdict.rowCount === STOCK,
          'everybody else was told "sold out"': verdict.ticketCount + soldOut === BUYERS,
          'nobody who held a ticket was left without': verdict.letterCount === 0,
        },
        verdict,
      },
    };
  },
});

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

const flushed = emptied('FLUSHALL', ({ redis }) => redis.raw.flushall());
const dataless = emptied('it restarts without its append-only file', async ({ redis }) => {
  await redis.stop('SIGKILL');
  redis.erase();
  await redis.start();
});

const rewound: FaultCase = {
  numbers: [16],
  name: 'an old snapshot of Redis is put back after more was sold and issued, in mid-sale',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'], worker: SHORT_GRACE });
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    await sale.crowd({ buyers: 80, perSecond: 200, nameOf: (index) => `early-${index}` }).ended;
    await house.redis.stop('SIGTERM');
    house.redis.snapshot('old');
    await house.redis.start();
    const since = sale.crowd({ buyers: 120, perSecond: 200, nameOf: (index) => `since-${index}`, ...PATIENT });
    await since.ended;
    const issuedBefore = await rowCount(house, sale);
    await slowLedger(house, 0.06);
    const crowd = sale.crowd({ buyers: 200, perSecond: 120, nameOf: (index) => `late-${index}`, ...PATIENT });
    await settled(crowd, between(stage.chance, 30, 60));
    await house.redis.stop('SIGKILL');
    house.redis.restore('old');
    await house.redis.start();
    await crowd.ended;
    const verdict = await sale.check();
    const client = openClient(house.front.url);
    const tickets = since.history.joins.flatMap((join) => (join.kind === 'ok' ? [join] : []));
    const again = await Promise.all(tickets.map(({ user }) => askToJoin(client, sale.id, user)));
    client.close();
    const kept = again.filter((answer, index) => answer.kind === 'ok' && answer.ticket === tickets[index]!.ticket);
    const units = new Set(verdict.ledger.rows.map(({ unit }) => unit));
    return {
      16: {
        injected: `a snapshot of 80 tickets put back when ${issuedBefore} were issued and more were waiting`,
        seen: `${kept.length} of ${tickets.length} forgotten holders get their ticket on asking again, ${units.size} units in ${verdict.rowCount} rows, ${verdict.gate.restored.size} tickets restored by receipt`,
        holds: {
          'what was issued was forgotten': issuedBefore === 200,
          'holders keep what they have': tickets.length === 120 && kept.length === tickets.length,
          'no unit was sold twice': units.size === verdict.rowCount,
          'every unit was sold': verdict.rowCount === 300,
        },
        verdict,
      },
    };
  },
};

/** Keeps a copy of every table of the ledger; the result puts it back over what there is. */
async function dumpLedger({ database }: House): Promise<() => Promise<void>> {
  const tables = (await database.sql('SHOW TABLES')).map((row) => String(Object.values(row)[0]));
  for (const table of tables) await database.sql(`CREATE TABLE dump_${table} AS SELECT * FROM ${table}`);
  return async () => {
    const connection = await database.connect();
    await connection.query('SET foreign_key_checks = 0');
    await connection.query('START TRANSACTION');
    for (const table of tables) {
      await connection.query(`DELETE FROM ${table}`);
      await connection.query(`INSERT INTO ${table} SELECT * FROM dump_${table}`);
    }
    await connection.query('COMMIT');
  };
}

const oldLedger: FaultCase = {
  numbers: [52],
  name: 'the ledger is restored from an older dump, and repaired by POST …/reconcile',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'], worker: SHORT_GRACE });
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    await sale.crowd({ buyers: 80, perSecond: 200, nameOf: (index) => `early-${index}` }).ended;
    const restore = await dumpLedger(house);
    await sale.crowd({ buyers: 120, perSecond: 200, nameOf: (index) => `since-${index}`, ...PATIENT }).ended;
    const unitsOf = async () =>
      new Map(
        (await house.database.sql('SELECT user, unit FROM issuances WHERE campaign = ?', [sale.id])).map((row) => [
          row.user,
          row.unit,
        ]),
      );
    await until('all is issued', 10_000, async () => (await rowCount(house, sale)) === 200);
    const before = await unitsOf();
    await restore();
    const left = await rowCount(house, sale);
    const body = JSON.stringify({ repair: true });
    const repaired = await sale.admin(`/admin/campaigns/${sale.id}/reconcile`, { method: 'POST', body });
    await until('the gate is open again', 10_000, () => isOpenAgain(house, sale, '1'));
    // Nobody joins again: that holders look at their tickets once more, as the checker does, is all it takes.
    const verdict = await sale.check({ forgottenRows: true });
    const after = await unitsOf();
    const same = [...before].filter(([user, unit]) => after.get(user) === unit).length;
    return {
      52: {
        injected: `${before.size - left} of ${before.size} rows gone, repair answered ${repaired.status}`,
        seen: `${same} holders have the unit they had, ${verdict.gate.restored.size} tickets restored by receipt, ${verdict.rowCount} rows`,
        holds: {
          'rows were lost': before.size === 200 && left === 80,
          'the repair was done': repaired.status === 200,
          'every holder has the unit of before': same === 200,
        },
        verdict,
      },
    };
  },
};

export const forgetfulStores: readonly FaultCase[] = [flushed, dataless, rewound, oldLedger];
