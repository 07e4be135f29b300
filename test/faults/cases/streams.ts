// The work streams: answers that are lost, groups that vanish, shards that are stuck, entries that are poison.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import { countJoins, percentile } from '../crowd/history.ts';
import { keyOf, pendingOf, seqOf, settled } from './watch.ts';

const SHARDS = 4;

const lostBatch: FaultCase = {
  numbers: [26],
  name: 'the answer to a worker’s read is lost: its batch is in its own hands and it does not know',
  quick: true,
  run: async (stage) => {
    // Nobody else may claim it, and not before a minute.
    const house = await stage.house({ workers: ['w1'], worker: { CLAIM_IDLE_MS: '60000' } });
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 300, perSecond: 150 });
    let lost = 0;
    for (; lost < 5; lost += 1) {
      const swallowed = house.links.workerRedis.loseAnswerWith('admitted_at');
      const isLost = await Promise.race([swallowed.then(() => true), crowd.ended.then(() => false)]);
      if (!isLost) break;
      await sleep(between(stage.chance, 50, 200));
    }
    await crowd.ended;
    const verdict = await sale.check();
    return {
      26: {
        injected: `${lost} batches whose XREADGROUP reply was swallowed, claiming off`,
        seen: `all handled by the same worker, ${verdict.restMs} ms after the crowd had gone`,
        holds: {
          'batches were stranded': lost >= 3,
          'the worker never died': house.workers.get('w1')!.isAlive(),
          'all was handled long before anybody could claim it': verdict.restMs < 20_000,
        },
        verdict,
      },
    };
  },
};

const trimmed: FaultCase = {
  numbers: [29],
  name: 'a work stream is trimmed while entries of it are waiting and pending',
  awaits: 'rebuild',
  run: async (stage) => {
    const house = await stage.house();
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    await sale.crowd({ buyers: 200, perSecond: 400, polls: false }).ended;
    let gone = 0;
    for (let shard = 0; shard < SHARDS; shard += 1) {
      gone += (await house.redis.raw.xtrim(keyOf(sale, `work:${shard}`), 'MAXLEN', 10)) as number;
    }
    await house.startWorker('w1');
    const verdict = await sale.check();
    return {
      29: {
        injected: `XTRIM took ${gone} entries that nobody had worked on`,
        seen: `${verdict.rowCount} rows`,
        holds: { 'entries were trimmed': gone > 0 },
        verdict,
      },
    };
  },
};

const vanishedGroup: FaultCase = {
  numbers: [34],
  name: 'the consumer groups are destroyed again and again under load',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'] });
    const sale = await house.openSale({ stock: 500, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 500, perSecond: 200 });
    let destroyed = 0;
    while (crowd.settledCount() < 500) {
      await sleep(between(stage.chance, 100, 500));
      const work = keyOf(sale, `work:${between(stage.chance, 0, SHARDS - 1)}`);
      destroyed += Number(await house.redis.raw.xgroup('DESTROY', work, 'issuers').catch(() => 0));
    }
    await crowd.ended;
    const verdict = await sale.check();
    return {
      34: {
        injected: `${destroyed} times XGROUP DESTROY`,
        seen: `groups made again from 0, ${verdict.rowCount} rows`,
        holds: { 'groups were destroyed': destroyed >= 4 },
        verdict,
      },
    };
  },
};

const vanishedStream: FaultCase = {
  numbers: [34],
  name: 'work streams are deleted under load',
  awaits: 'rebuild',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 500, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 500, perSecond: 200 });
    for (let shard = 0; shard < SHARDS; shard += 1) {
      await settled(crowd, 60 * (shard + 1));
      await house.redis.raw.del(keyOf(sale, `work:${shard}`));
    }
    await crowd.ended;
    const verdict = await sale.check();
    return {
      34: {
        injected: `${SHARDS} streams deleted`,
        seen: `${verdict.rowCount} rows`,
        holds: { 'a verdict': true },
        verdict,
      },
    };
  },
};

const silentPeer: FaultCase = {
  numbers: [36],
  name: 'the worker’s connections to Redis go silent for good, then Redis stands still',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    await sale.crowd({ buyers: 50, perSecond: 200 }).ended;
    house.links.workerRedis.strand();
    const strandedAt = performance.now();
    const stranded = sale.crowd({ buyers: 50, perSecond: 200, nameOf: (index) => `stranded-${index}` });
    await stranded.ended;
    const strandedMs = Math.round(performance.now() - strandedAt);
    house.redis.child().signal('SIGSTOP');
    await sleep(4_000);
    house.redis.child().signal('SIGCONT');
    const wokenAt = performance.now();
    await sale.crowd({ buyers: 50, perSecond: 200, nameOf: (index) => `woken-${index}` }).ended;
    const wokenMs = Math.round(performance.now() - wokenAt);
    const verdict = await sale.check();
    return {
      36: {
        injected: 'every connection of the worker stranded; then SIGSTOP of Redis for 4 s',
        seen: `50 tickets issued ${strandedMs} ms after the first, ${wokenMs} ms after the second`,
        // Three blocks of a second until the silence is noticed, the writer's two deadlines, and room.
        holds: { 'work went on after the silence': strandedMs < 22_000, 'and after the stand-still': wokenMs < 15_000 },
        verdict,
      },
    };
  },
};

const poison: FaultCase = {
  numbers: [37],
  name: 'one ticket in a hundred is refused by the ledger, and garbage is written into the streams',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    await house.database.sql(
      `CREATE TRIGGER poison BEFORE INSERT ON issuances FOR EACH ROW
         IF NEW.user LIKE 'poison-%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'poison'; END IF`,
    );
    const sale = await house.openSale({ stock: 600, shards: SHARDS });
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
    const verdict = await sale.check({}, 30_000);
    const waits = await house.database.sql(
      `SELECT TIMESTAMPDIFF(MICROSECOND, admitted_at, issued_at) / 1000 AS ms FROM issuances
        WHERE campaign = ? AND user LIKE 'buyer-%'`,
      [sale.id],
    );
    const p99 = percentile(
      waits.map(({ ms }) => Number(ms)),
      0.99,
    );
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
    const waits = await house.database.sql(
      'SELECT TIMESTAMPDIFF(MICROSECOND, admitted_at, issued_at) / 1000 AS ms FROM issuances WHERE campaign = ?',
      [sale.id],
    );
    await locker.query('ROLLBACK');
    await crowd.ended;
    const verdict = await sale.check();
    const p99 = percentile(
      waits.map(({ ms }) => Number(ms)),
      0.99,
    );
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
    const waits = await house.database.sql(
      'SELECT TIMESTAMPDIFF(MICROSECOND, admitted_at, issued_at) / 1000 AS ms FROM issuances WHERE campaign = ?',
      [sale.id],
    );
    const p99 = percentile(
      waits.map(({ ms }) => Number(ms)),
      0.99,
    );
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

export const streams: readonly FaultCase[] = [
  lostBatch,
  trimmed,
  vanishedGroup,
  vanishedStream,
  silentPeer,
  poison,
  stuckShard,
  backlogged,
];
