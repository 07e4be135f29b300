// The work streams: answers that are lost, groups and entries that vanish, peers that fall silent.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import { askDoctor } from '../stage/sluice.ts';
import { keyOf, SHORT_GRACE, settled, slowLedger, takeOut } from './watch.ts';

const SHARDS = 4;
const CLAIM_IDLE_MS = 600_000;

const lostBatch: FaultCase = {
  numbers: [26],
  name: 'the answer to a worker’s read is lost: its batch is in its own hands and it does not know',
  quick: true,
  run: async (stage) => {
    // Nobody may claim it before the sale is over.
    const house = await stage.house({ workers: ['w1'], worker: { CLAIM_IDLE_MS: String(CLAIM_IDLE_MS) } });
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 300, perSecond: 150 });
    let lost = 0;
    for (; lost < 5; lost += 1) {
      const swallowed = house.links.workerRedis.loseAnswerWith('admitted_at').sprung;
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
          'batches were stranded': lost > 0,
          'the worker never died': house.workers.get('w1')!.isAlive(),
          'all was handled before anybody could claim it': verdict.restMs < CLAIM_IDLE_MS,
        },
        verdict,
      },
    };
  },
};

/** Longer than a worker waits for an answer to its blocking read, so that it has given up before. */
const TOO_LATE_MS = 6_000;
const LATE_ROUNDS = 3;

const lateBatch: FaultCase = {
  numbers: [27],
  name: 'the answer to a worker’s read comes after the worker has stopped waiting for it',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'], worker: { CLAIM_IDLE_MS: String(CLAIM_IDLE_MS) } });
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 300, perSecond: 12, polls: false });
    const stranded: number[] = [];
    while (stranded.length < LATE_ROUNDS) {
      const late = house.links.workerRedis.loseAnswerWith('admitted_at', TOO_LATE_MS).sprung;
      const isLate = await Promise.race([late.then(() => true), crowd.ended.then(() => false)]);
      if (!isLate) break;
      await sleep(TOO_LATE_MS + between(stage.chance, 100, 500));
      stranded.push(house.links.workerRedis.lostCount());
    }
    await crowd.ended;
    const verdict = await sale.check();
    return {
      27: {
        injected: `${stranded.length} answers to XREADGROUP ${TOO_LATE_MS} ms late, claiming off`,
        seen: `${stranded.at(-1) ?? 0} of them came to a connection that was given up; all handled by the same worker, ${verdict.restMs} ms after the crowd had gone`,
        holds: {
          'each came too late': stranded.length === LATE_ROUNDS && stranded.at(-1) === LATE_ROUNDS,
          'the worker never died': house.workers.get('w1')!.isAlive(),
          'all was handled before anybody could claim it': verdict.restMs < CLAIM_IDLE_MS,
        },
        verdict,
      },
    };
  },
};

const trimmed: FaultCase = {
  numbers: [29],
  name: 'a work stream is trimmed while entries of it are waiting and pending',
  run: async (stage) => {
    const house = await stage.house();
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    await sale.crowd({ buyers: 200, perSecond: 400, polls: false }).ended;
    const gone: number[] = [];
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const work = keyOf(sale, `work:${shard}`);
      gone.push(...(await takeOut(house.redis.raw, work, (reading) => reading.xtrim(work, 'MAXLEN', 10))));
    }
    await house.startWorker('w1', SHORT_GRACE);
    const verdict = await sale.check({ removedEntries: gone });
    return {
      29: {
        injected: `XTRIM took ${gone.length} entries that nobody had worked on`,
        seen: `${verdict.gate.restored.size} tickets restored by receipt, ${verdict.rowCount} rows`,
        holds: {
          'entries were trimmed': gone.length > 0,
          'every holder has the unit of the ticket': verdict.rowCount === 200 && verdict.letterCount === 0,
        },
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
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'], worker: SHORT_GRACE });
    // So that entries are waiting when their stream goes.
    await slowLedger(house, 0.004);
    const sale = await house.openSale({ stock: 500, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 500, perSecond: 200 });
    const gone: number[] = [];
    for (let shard = 0; shard < SHARDS; shard += 1) {
      await settled(crowd, 60 * (shard + 1));
      const work = keyOf(sale, `work:${shard}`);
      gone.push(...(await takeOut(house.redis.raw, work, (reading) => reading.del(work))));
    }
    await crowd.ended;
    // Who asked to join again before polling was given another ticket in place of the lost one.
    const verdict = await sale.check({ removedEntries: gone, forgottenUsers: true });
    return {
      34: {
        injected: `${SHARDS} streams deleted with ${gone.length} entries in them`,
        seen: `gate of epoch ${verdict.gate.epoch}, ${verdict.gate.restored.size} tickets restored by receipt, ${verdict.rowCount} rows`,
        holds: {
          'entries were lost': gone.length > 0,
          'the gate was rebuilt': verdict.gate.epoch > 1,
          'everybody was served in the end': verdict.rowCount === 500,
        },
        verdict,
      },
    };
  },
};

const nullLag: FaultCase = {
  numbers: [33],
  name: 'Redis says that the lag of a work stream is null',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const { raw } = house.redis;
    const sale = await house.openSale({ stock: 200, shards: SHARDS });
    await sale.crowd({ buyers: SHARDS, perSecond: 200 }).ended;
    await house.workers.get('w1')!.end('SIGTERM');
    await sale.crowd({ buyers: 80, perSecond: 400, polls: false, nameOf: (index) => `waiting-${index}` }).ended;
    // Beyond what was delivered something was deleted: from then on Redis cannot count.
    const work = keyOf(sale, 'work:0');
    await raw.xadd(work, '84-7', 'x', 'y');
    await raw.xdel(work, '84-7');
    const [group] = (await raw.xinfo('GROUPS', work)) as unknown[][];
    const lag = group![group!.indexOf('lag') + 1];
    const { body } = await sale.admin();
    const stores = { redisUrl: house.redis.url, databaseUrl: house.database.url };
    const doctor = (await askDoctor({ folder: stage.folder, ...stores })).get('work-lag')!;
    await house.startWorker('w2');
    const verdict = await sale.check();
    return {
      33: {
        injected: `an entry deleted before it was delivered: lag ${String(lag)}`,
        seen: `the admin API tells a backlog of ${Number(body?.backlog)}, the oldest waiting for ${Number(body?.oldestWaitMs)} ms; the doctor: ${doctor.status}, ${doctor.found}`,
        holds: {
          'the lag is null': lag === null,
          'the backlog is what was admitted and not settled': body?.backlog === 80,
          'the oldest wait is known': Number(body?.oldestWaitMs) > 0,
          'the doctor does not take it for none': doctor.status === 'unknown' && /1 stream/.test(doctor.found),
        },
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

export const streams: readonly FaultCase[] = [
  lostBatch,
  lateBatch,
  trimmed,
  nullLag,
  vanishedGroup,
  vanishedStream,
  silentPeer,
];
