// The gate script itself: state that makes no sense, a forgotten cache, a server that is busy.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { openClient } from '../crowd/client.ts';
import { askToJoin } from '../crowd/crowd.ts';
import { countJoins, percentile, tookMs } from '../crowd/history.ts';
import type { Sale } from '../stage/sale.ts';
import type { Stage } from '../stage/stage.ts';
import { contentOf, isReady, keyOf, SHORT_GRACE, seqOf, settled } from './watch.ts';

/** What an intruder or an operator may do to a gate, by name. */
const CORRUPTIONS: [string, (redis: Redis, sale: Sale) => Promise<unknown>][] = [
  ['the free list is a text', (redis, sale) => redis.set(keyOf(sale, 'free'), 'x')],
  ['the free list holds a word', (redis, sale) => redis.zadd(keyOf(sale, 'free'), 1, 'seven')],
  ['a work stream is a list', (redis, sale) => redis.lpush(keyOf(sale, 'work:1'), 'x')],
  ['a work stream is ahead', (redis, sale) => redis.xadd(keyOf(sale, 'work:1'), '18446744073709551615-1', 'user', 'x')],
  ['the users are texts', spoilUsers],
  ['the gate is a text', (redis, sale) => redis.set(keyOf(sale, 'gate'), 'x')],
  ['the state is no state', (redis, sale) => redis.hset(keyOf(sale, 'gate'), 'state', 'open')],
  ['there is no stock', (redis, sale) => redis.hdel(keyOf(sale, 'gate'), 'stock')],
  ...['0x10', 'nan', 'inf', '1e400', '9007199254740993', '-1', '1.5', ' 7', ''].map(
    (text): [string, (redis: Redis, sale: Sale) => Promise<unknown>] => [
      `the seq is "${text}"`,
      (redis, sale) => redis.hset(keyOf(sale, 'gate'), 'seq', text),
    ],
  ),
];

async function spoilUsers(redis: Redis, sale: Sale): Promise<void> {
  const buckets = Number(await redis.hget(keyOf(sale, 'gate'), 'buckets'));
  for (let bucket = 0; bucket < buckets; bucket += 1) await redis.set(keyOf(sale, `users:${bucket}`), 'x');
}

const nonsense: FaultCase = {
  numbers: [6, 77],
  name: 'joins on a gate whose keys make no sense',
  run: async (stage) => {
    const house = await stage.house();
    const client = openClient(house.front.url);
    const changed: string[] = [];
    const admitted: string[] = [];
    let refused = 0;
    for (const [what, corrupt] of CORRUPTIONS) {
      const sale = await house.openSale({ stock: 50, shards: 2 });
      await corrupt(house.redis.raw, sale);
      const before = await contentOf(house.redis.raw, sale);
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) => askToJoin(client, sale.id, `buyer-${index}`)),
      );
      if ((await contentOf(house.redis.raw, sale)) !== before) changed.push(what);
      if (answers.some(({ kind }) => kind === 'ok')) admitted.push(what);
      refused += answers.filter(({ kind }) => kind === 'unknown').length;
      await house.redis.raw.del(...(await house.redis.raw.keys(keyOf(sale, '*'))));
    }
    const admin = await strangeNumbers(await house.openSale({ stock: 5 }));
    client.close();
    const holds = {
      [`no state changed by a bit (${changed.join(', ')})`]: changed.length === 0,
      [`nobody was admitted (${admitted.join(', ')})`]: admitted.length === 0,
    };
    return {
      6: {
        injected: `${CORRUPTIONS.length} kinds of nonsense, 6 joins each`,
        seen: `${refused} joins refused with 5xx, all keys bit for bit as before`,
        holds,
      },
      77: {
        injected: `9 texts in a counter of the gate, ${admin.tried} strange values in admin bodies`,
        seen: `${refused} joins refused, ${admin.refused} bodies refused with 4xx`,
        holds: {
          ...holds,
          'every strange body is refused by 4xx': admin.refused === admin.tried,
          'nothing was polluted': admin.isClean,
        },
      },
    };
  },
};

/** Values that other languages take for numbers, and names that other objects inherit. */
async function strangeNumbers(sale: Sale) {
  const values = [
    '"0x10"',
    '"5"',
    '1e400',
    '9007199254740993',
    '-1',
    '1.5',
    'null',
    '[5]',
    '{"valueOf":5}',
    'true',
    '0',
  ];
  const bodies = [
    ...values.map((stock) => `{"id":"strange","stock":${stock}}`),
    '{"id":"strange","stock":5,"__proto__":{"shards":3}}',
    '{"id":"strange","stock":5,"constructor":{"prototype":{"rate":1}}}',
    '{"id":"__proto__","stock":5}',
    '{"id":["strange"],"stock":5}',
    '[]',
    '"strange"',
    'null',
  ];
  let refused = 0;
  for (const body of bodies) {
    const { status } = await sale.admin('/admin/campaigns', { method: 'POST', body });
    if (status >= 400 && status < 500) refused += 1;
  }
  const made = await sale.admin('/admin/campaigns/strange');
  const shown = await sale.admin();
  return { tried: bodies.length, refused, isClean: made.status === 404 && shown.body?.ratePerSecond === 0 };
}

/** How many tickets the gate has given out, by each of the three places where it writes them down. */
async function ticketCounts(redis: Redis, sale: Sale): Promise<Record<'seq' | 'users' | 'entries', number>> {
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
  const buckets = await redis.keys(keyOf(sale, 'users:*'));
  return {
    seq: await seqOf(redis, sale),
    users: sum(await Promise.all(buckets.map((bucket) => redis.hlen(bucket)))),
    entries: sum(await Promise.all([0, 1].map((shard) => redis.xlen(keyOf(sale, `work:${shard}`))))),
  };
}

const exhausted: FaultCase = {
  numbers: [6],
  name: 'joins on a work stream whose last id was used and deleted',
  run: async (stage) => {
    const house = await stage.house();
    const sale = await house.openSale({ stock: 50, shards: 2 });
    const work = keyOf(sale, 'work:0');
    await house.redis.raw.xadd(work, '18446744073709551615-18446744073709551615', 'user', 'x');
    await house.redis.raw.xdel(work, '18446744073709551615-18446744073709551615');
    // The first ticket goes into the other stream: it is admitted if it comes alone, else taken back with its batch.
    const first = await sale.crowd({ buyers: 6, perSecond: 1e6, insists: false, polls: false }).ended;
    // By buyer: some ask twice on purpose.
    const asked = [...Map.groupBy(first.joins, ({ user }) => user).values()];
    const admitted = asked.filter((joins) => joins.some(({ kind }) => kind === 'ok')).length;
    const refused = asked.filter((joins) => joins.every(({ kind }) => kind === 'unknown')).length;
    const counts = await ticketCounts(house.redis.raw, sale);
    await house.startWorker('w1', SHORT_GRACE);
    const history = await sale.crowd({ buyers: 60, perSecond: 100 }).ended;
    // The id that a batch had used up before it was taken back is nobody's, and is not given out again.
    const verdict = await sale.check({ removedEntries: [admitted + 1] });
    const later = countJoins(history, ({ kind }) => kind === 'ok');
    return {
      6: {
        injected: 'an id that is the last there is, deleted again, then 6 joins at once',
        seen: `${refused} joins refused with 5xx, ${admitted} admitted, as gate, users and entries say; ${later} answers of 202 or 200 once a worker had looked`,
        holds: {
          'joins were refused': refused >= 5 && refused + admitted === 6,
          'no half of a batch is left': Object.values(counts).every((count) => count === admitted),
          'the sale went on by itself': later >= 49,
        },
        verdict,
      },
    };
  },
};

const forgottenScripts: FaultCase = {
  numbers: [18],
  name: 'SCRIPT FLUSH every 50 ms under load',
  quick: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 600, shards: 4 });
    const crowd = sale.crowd({ buyers: 800, perSecond: 300 });
    let flushes = 0;
    while (crowd.settledCount() < 800) {
      await house.redis.raw.script('FLUSH');
      flushes += 1;
      await sleep(50);
    }
    const history = await crowd.ended;
    const verdict = await sale.check();
    const errors = countJoins(history, ({ kind }) => kind === 'unknown') + history.misses.length;
    return {
      18: {
        injected: `${flushes} times SCRIPT FLUSH`,
        seen: `${errors} errors in ${history.joins.length} joins and ${history.sightings.length} polls`,
        holds: { 'scripts were forgotten': flushes > 0, 'no client saw an error': errors === 0 },
        verdict,
      },
    };
  },
};

const busyServer: FaultCase = {
  numbers: [19],
  name: 'DEBUG SLEEP 3 in the middle of a sale, and what a script call costs',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 1_500, shards: 8 });
    await house.redis.raw.config('SET', 'slowlog-log-slower-than', 1_000);
    await house.redis.raw.config('SET', 'slowlog-max-len', 5_000);
    const whole = sale.crowd({ buyers: 600, perSecond: 1e6, polls: false, nameOf: (index) => `at-once-${index}` });
    await whole.ended;
    const slow = ((await house.redis.raw.slowlog('GET', 5_000)) as [number, number, number, string[]][])
      .filter(([, , , [command]]) => /^evalsha$/i.test(command!))
      .map(([, , micros]) => micros / 1_000);
    const seqBefore = await seqOf(house.redis.raw, sale);
    const sleeping = sleepIn(stage, house.redis.url, 3);
    await sleep(100);
    const during = sale.crowd({
      buyers: 300,
      perSecond: 200,
      polls: false,
      insists: false,
      nameOf: (i) => `during-${i}`,
    });
    const joins = (await during.ended).joins;
    await sleeping;
    await until('the front is ready', 5_000, () => isReady(house));
    const given = joins.filter(({ kind }) => kind === 'ok').length;
    const ghostCount = (await seqOf(house.redis.raw, sale)) - seqBefore - given;
    const again = sale.crowd({ buyers: 300, perSecond: 300, nameOf: (i) => `during-${i}` });
    await settled(again, 300);
    await again.ended;
    await sale.crowd({ buyers: 600, perSecond: 2_000, nameOf: (index) => `at-once-${index}` }).ended;
    const verdict = await sale.check();
    const shed = joins.filter(({ kind }) => kind === 'unknown').map(tookMs);
    return {
      19: {
        injected: '600 joins at once, then DEBUG SLEEP 3 with 300 joins',
        seen: `slowest script call ${Math.max(0, ...slow).toFixed(1)} ms; ${shed.length} joins shed, p50 ${percentile(shed, 0.5)} ms, slowest ${percentile(shed, 1)} ms; ${ghostCount} ghosts`,
        holds: {
          'no script call took 25 ms': Math.max(0, ...slow) < 25,
          'joins were shed while Redis was busy': shed.length > 100,
          'each within 3 s': percentile(shed, 1) < 3_000,
          'nobody was admitted behind their back': ghostCount === 0,
        },
        verdict,
      },
    };
  },
};

/** On a connection of its own, which hangs as long. */
async function sleepIn(stage: Stage, url: string, seconds: number): Promise<void> {
  const redis = new Redis(url, { protocol: 2 });
  redis.on('error', () => undefined);
  stage.scope.onTestFinished(() => redis.disconnect());
  await redis.call('DEBUG', 'SLEEP', seconds);
}

export const scripts: readonly FaultCase[] = [nonsense, exhausted, forgottenScripts, busyServer];
