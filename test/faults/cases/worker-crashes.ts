// Workers that die, stand still or come back: between any two effects, and to the same entries.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { between, oneOf } from '../chance.ts';
import type { Sale } from '../stage/sale.ts';
import { REPOSITORY } from '../stage/sluice.ts';
import type { House } from '../stage/stage.ts';
import { keyOf, pendingOf, settled, slowLedger } from './watch.ts';

const SHARDS = 4;

/** Resolves when this worker has entries in hand; then it stands still. */
async function stopInWork(house: House, sale: Sale, name: string): Promise<number> {
  const worker = house.workers.get(name)!;
  return until(`${name} stands still in its work`, 10_000, async () => {
    if (((await pendingOf(house.redis.raw, sale, SHARDS))[name] ?? 0) === 0) return 0;
    worker.signal('SIGSTOP');
    const inHand = (await pendingOf(house.redis.raw, sale, SHARDS))[name] ?? 0;
    if (inHand === 0) worker.signal('SIGCONT');
    return inHand;
  });
}

const killedAfterRead: FaultCase = {
  numbers: [24, 30],
  name: 'workers are killed at random in the middle of their work',
  quick: true,
  run: async (stage) => {
    const names = ['w1', 'w2'];
    const house = await stage.house({ workers: names, worker: { CLAIM_IDLE_MS: '1000' } });
    await slowLedger(house, 0.01);
    const sale = await house.openSale({ stock: 1_500, shards: SHARDS });
    // It outlasts the kills, so that each worker has entries in hand when it is killed.
    const crowd = sale.crowd({ buyers: 1_500, perSecond: 100 });
    const orphaned: number[] = [];
    for (let kill = 0; kill < 3; kill += 1) {
      await sleep(between(stage.chance, 100, 500));
      const name = oneOf(stage.chance, names);
      const inHand = await stopInWork(house, sale, name);
      await house.workers.get(name)!.end('SIGKILL');
      orphaned.push(inHand);
      // Under another name: nobody comes back for what the dead one held.
      names.splice(names.indexOf(name), 1, `${name}x`);
      await house.startWorker(`${name}x`);
    }
    await crowd.ended;
    const verdict = await sale.check();
    const lengths = await Promise.all(
      Array.from({ length: SHARDS }, (_, shard) => house.redis.raw.xlen(keyOf(sale, `work:${shard}`))),
    );
    const left = Object.values(await pendingOf(house.redis.raw, sale, SHARDS));
    return {
      24: {
        injected: `3 kills -9 with ${orphaned.join(', ')} entries in hand, by names that never came back`,
        seen: `all issued ${verdict.restMs} ms after the crowd had gone`,
        holds: { 'entries were orphaned by each kill': orphaned.every((count) => count > 0) },
        verdict,
      },
      30: {
        injected: '3 kills -9 between any two effects of settling',
        seen: `streams hold ${lengths.join(', ')} entries, ${left.length} consumers have pending ones`,
        holds: {
          'every stream is empty': lengths.every((length) => length === 0),
          'nothing is pending': left.length === 0,
        },
      },
    };
  },
};

/** Only the script that settles a batch names this key on a worker's connection. */
const SETTLE = ':exceptions';

const killedBeforeAck: FaultCase = {
  numbers: [25],
  name: 'a worker is killed after its rows are committed and before they are acked',
  quick: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 200, shards: SHARDS });
    const stalled = house.links.workerRedis.loseAnswerTo(SETTLE, 'stall').sprung;
    const crowd = sale.crowd({ buyers: 200, perSecond: 200 });
    await stalled;
    await settled(crowd, 150);
    const rowsOf = () =>
      house.database.sql('SELECT unit, user, issued_at FROM issuances WHERE campaign = ? ORDER BY unit', [sale.id]);
    const committed = await until('rows are committed', 5_000, async () => {
      const rows = await rowsOf();
      return rows.length > 0 && rows;
    });
    const pending = Object.values(await pendingOf(house.redis.raw, sale, SHARDS)).reduce((sum, n) => sum + n, 0);
    await house.workers.get('w1')!.end('SIGKILL');
    await house.startWorker('w2');
    await crowd.ended;
    const verdict = await sale.check();
    const after = new Map((await rowsOf()).map((row) => [row.unit, JSON.stringify(row)]));
    const changed = committed.filter((row) => after.get(row.unit) !== JSON.stringify(row));
    return {
      25: {
        injected: `kill -9 with ${committed.length} rows committed and ${pending} entries pending`,
        seen: `${changed.length} of those rows changed when they were delivered again`,
        holds: { 'rows were committed and not acked': pending > 0, 'no row was written again': changed.length === 0 },
        verdict,
      },
    };
  },
};

const CLAIM_IDLE_MS = 1_000;

const zombie: FaultCase = {
  numbers: [28],
  name: 'a worker stands still for three claim times, its entries go to another, then it wakes up',
  run: async (stage) => {
    const worker = { CLAIM_IDLE_MS: String(CLAIM_IDLE_MS) };
    const house = await stage.house({ workers: ['zombie'], worker });
    await slowLedger(house, 0.004);
    const sale = await house.openSale({ stock: 300, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 300, perSecond: 200 });
    const inHand = await stopInWork(house, sale, 'zombie');
    await house.startWorker('heir');
    await until(
      'the heir has claimed all',
      15_000,
      async () => ((await pendingOf(house.redis.raw, sale, SHARDS)).zombie ?? 0) === 0,
    );
    await sleep(CLAIM_IDLE_MS);
    house.workers.get('zombie')!.signal('SIGCONT');
    await crowd.ended;
    const verdict = await sale.check();
    return {
      28: {
        injected: `SIGSTOP for three claim times with ${inHand} entries in hand`,
        seen: `${verdict.gate.settled} of ${verdict.gate.seq} tickets settled, each once`,
        holds: {
          'the zombie had work in hand': inHand > 0,
          'a stale ack counted nothing twice': verdict.gate.settled === verdict.gate.seq,
        },
        verdict,
      },
    };
  },
};

const DEAD_NAMES = 500;

const deadConsumers: FaultCase = {
  numbers: [31, 32],
  name: 'hundreds of dead consumer names, and one that died with entries in hand, under the janitor’s script',
  run: async (stage) => {
    const house = await stage.house({ workers: ['holder'] });
    const { raw } = house.redis;
    const sale = await house.openSale({ stock: 100, shards: 1 });
    const work = keyOf(sale, 'work:0');
    await slowLedger(house, 0.02);
    const crowd = sale.crowd({ buyers: 100, perSecond: 400 });
    const inHand = await until('the holder has work in hand', 10_000, async () => {
      const count = (await pendingOf(raw, sale, 1)).holder ?? 0;
      if (count > 0) house.workers.get('holder')!.signal('SIGSTOP');
      return count;
    });
    await house.workers.get('holder')!.end('SIGKILL');
    const held = (await pendingOf(raw, sale, 1)).holder ?? 0;
    for (let name = 0; name < DEAD_NAMES; name += 1)
      await raw.xgroup('CREATECONSUMER', work, 'issuers', `dead-${name}`);
    // The janitor's own script with an idle time of nothing, for it waits an hour by itself.
    const reap = readFileSync(`${REPOSITORY}/lua/reap.lua`, 'utf8');
    await sleep(10);
    const reaped = (await raw.eval(reap, 1, work, 'issuers', 0)) as number;
    const heldAfter = (await pendingOf(raw, sale, 1)).holder ?? 0;
    const names = ((await raw.xinfo('CONSUMERS', work, 'issuers')) as unknown[][]).map((info) => info[1]);
    await house.startWorker('heir');
    await crowd.ended;
    const verdict = await sale.check();
    return {
      31: {
        injected: `a consumer killed with ${inHand} entries in hand, then reaped at once`,
        seen: `${heldAfter} of ${held} entries still pending after it, all issued by the heir`,
        holds: {
          'it died with entries': held > 0,
          'it kept its entries': heldAfter === held,
          'its name stayed for them': names.includes('holder'),
        },
        verdict,
      },
      32: {
        injected: `${DEAD_NAMES} names of consumers that hold nothing`,
        seen: `${reaped} deleted in one call, ${names.length} left`,
        holds: { 'no more names than live consumers and two': names.length <= 1 + 2 && reaped >= DEAD_NAMES },
      },
    };
  },
};

const countedDeliveries: FaultCase = {
  numbers: [35],
  name: 'entries that Redis says were delivered 9 × 10¹⁸ times',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    await slowLedger(house, 0.02);
    const { raw } = house.redis;
    const sale = await house.openSale({ stock: 100, shards: SHARDS });
    const crowd = sale.crowd({ buyers: 100, perSecond: 400 });
    await stopInWork(house, sale, 'w1');
    await house.workers.get('w1')!.end('SIGKILL');
    let counted = 0;
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const work = keyOf(sale, `work:${shard}`);
      const pending = (await raw.xpending(work, 'issuers', '-', '+', 1_000)) as [string][];
      for (const [id] of pending) {
        await raw.call('XCLAIM', work, 'issuers', 'w1', '0', id, 'RETRYCOUNT', '9223372036854775807', 'JUSTID');
        counted += 1;
      }
    }
    await house.startWorker('w1');
    await crowd.ended;
    const verdict = await sale.check();
    return {
      35: {
        injected: `${counted} pending entries with a delivery count of 2^63 − 1`,
        seen: `${verdict.letterCount} dead letters`,
        holds: { 'entries were counted up': counted > 0, 'no ticket was given up for it': verdict.letterCount === 0 },
        verdict,
      },
    };
  },
};

export const workerCrashes: readonly FaultCase[] = [
  killedAfterRead,
  killedBeforeAck,
  zombie,
  deadConsumers,
  countedDeliveries,
];
