// The work streams: answers that are lost, groups and entries that vanish, peers that fall silent.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import { keyOf, settled } from './watch.ts';

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
    await house.startWorker('w2');
    const verdict = await sale.check();
    return {
      33: {
        injected: `an entry deleted before it was delivered: lag ${String(lag)}`,
        seen: `the admin API tells a backlog of ${Number(body?.backlog)}, the oldest waiting for ${Number(body?.oldestWaitMs)} ms`,
        holds: {
          'the lag is null': lag === null,
          'the backlog is what was admitted and not settled': body?.backlog === 80,
          'the oldest wait is known': Number(body?.oldestWaitMs) > 0,
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

export const streams: readonly FaultCase[] = [lostBatch, trimmed, nullLag, vanishedGroup, vanishedStream, silentPeer];
