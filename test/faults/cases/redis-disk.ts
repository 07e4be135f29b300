// Redis's memory and disk: full, torn, or of yesterday. What was answered with 202 must have been on the disk before.
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import { openClient } from '../crowd/client.ts';
import { askToJoin } from '../crowd/crowd.ts';
import { countJoins } from '../crowd/history.ts';
import { program } from '../stage/needs.ts';
import { mountSmallDisk } from '../stage/tmpfs.ts';
import { isReady, keyOf, pendingOf, SHORT_GRACE, seqOf, settled } from './watch.ts';

const fullMemory: FaultCase = {
  numbers: [7],
  name: 'maxmemory is reached in the middle of a sale (policy noeviction)',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 5_000, shards: 4 });
    await sale.crowd({ buyers: 100, perSecond: 400 }).ended;
    house.workers.get('w1')!.signal('SIGSTOP');
    const used = Number(/used_memory:(\d+)/.exec(await house.redis.raw.info('memory'))![1]);
    await house.redis.raw.config('SET', 'maxmemory', used + 60_000);
    const full = sale.crowd({
      buyers: 4_000,
      perSecond: 1_000,
      insists: false,
      polls: false,
      nameOf: (i) => `full-${i}`,
    });
    const refused = countJoins(await full.ended, ({ kind }) => kind === 'unknown');
    const admitted = await seqOf(house.redis.raw, sale);
    house.workers.get('w1')!.signal('SIGCONT');
    // Acking is what gives memory back: it must not wait for somebody to add some.
    const drained = await until('the backlog drains while memory is full', 20_000, async () => {
      const fields = await house.redis.raw.hmget(keyOf(sale, 'gate'), 'settled');
      return Number(fields[0]) >= admitted;
    }).catch(() => false);
    await house.redis.raw.config('SET', 'maxmemory', 0);
    const held = await holdTheSame(house.front.url, sale.id, full.history.joins);
    await sale.crowd({ buyers: 4_000, perSecond: 1_500, nameOf: (i) => `full-${i}`, againShare: 0 }).ended;
    const verdict = await sale.check();
    return {
      7: {
        injected: '4,000 joins into 60 kB of free memory',
        seen: `${refused} joins refused with 503, ${admitted} admitted before, all settled while memory was full: ${drained}`,
        holds: {
          'joins were refused': refused > 100,
          'nothing was evicted: who held a ticket still holds it': held,
          'workers went on settling': drained === true,
          'everybody was admitted in the end': verdict.gate.seq === 4_100,
        },
        verdict,
      },
    };
  },
};

/** Whether everybody who was given a ticket gets the same one on asking again, for a sample of them. */
async function holdTheSame(url: string, campaign: string, joins: { user: string; kind: string }[]) {
  const client = openClient(url);
  const holders = joins.filter(({ kind }) => kind === 'ok').slice(0, 40);
  const again = await Promise.all(holders.map(({ user }) => askToJoin(client, campaign, user)));
  client.close();
  return again.every(
    (answer, index) => answer.kind === 'ok' && 'ticket' in holders[index]! && answer.ticket === holders[index].ticket,
  );
}

const JOINS_TRACED = 20;

const fsyncOrder: FaultCase = {
  numbers: [8],
  name: 'the system calls of Redis from the admission to its reply, by strace',
  needs: ['strace'],
  run: async (stage) => {
    const trace = join(stage.folder, 'trace.txt');
    const calls = 'trace=write,writev,pwrite64,fdatasync,fsync';
    const wrapper = [program('strace')!, '-D', '-f', '-y', '-s', '400', '-e', calls, '-o', trace];
    const house = await stage.house({ redis: { wrapper } });
    const sale = await house.openSale({ stock: 100, shards: 2 });
    const client = openClient(house.front.url);
    for (let index = 0; index < JOINS_TRACED; index += 1) await askToJoin(client, sale.id, `buyer-${index}`);
    client.close();
    const lines = readFileSync(trace, 'utf8').split('\n');
    const orders = lines.flatMap((line, index) => {
      if (!/ write\(\d+<[^>]*\.aof>, .*XADD/.test(line)) return [];
      const rest = lines.slice(index + 1);
      const synced = rest.findIndex((later) => /fdatasync\(\d+<[^>]*\.aof>/.test(later));
      // The reply to one join: ten numbers.
      const replied = rest.findIndex((later) => /writev?\(\d+<(socket|TCP)[^>]*>, .*"\*10\\r\\n/.test(later));
      return [synced >= 0 && replied >= 0 && synced < replied];
    });
    return {
      8: {
        injected: `${JOINS_TRACED} joins one by one, ${lines.length} system calls traced`,
        seen: `${orders.filter(Boolean).length} of ${orders.length} admissions written and synced before their reply`,
        holds: {
          'every admission was seen': orders.length === JOINS_TRACED,
          'each was synced to the disk before it was answered': orders.every(Boolean),
        },
      },
    };
  },
};

const fullDisk: FaultCase = {
  numbers: [9],
  name: 'the disk of the append-only file fills up in the middle of a sale (appendfsync always)',
  needs: ['tmpfs'],
  run: async (stage) => {
    const disk = mountSmallDisk(stage.scope, stage.folder, 8);
    const house = await stage.house({ workers: ['w1'], redis: { dataFolder: disk.folder } });
    const sale = await house.openSale({ stock: 800, shards: 4 });
    const crowd = sale.crowd({ buyers: 1_000, perSecond: 250 });
    await settled(crowd, 150);
    disk.fill(between(stage.chance, 4, 40));
    const { code, signal } = await house.redis.child().ended;
    await until('the front is not ready', 3_000, async () => !(await isReady(house)));
    const held = sale.holderCount();
    await sleep(800);
    disk.relieve();
    await house.redis.start();
    const seqBack = await seqOf(house.redis.raw, sale);
    const history = await crowd.ended;
    const verdict = await sale.check();
    const errors = history.joins.filter(({ kind }) => kind === 'unknown');
    return {
      9: {
        injected: 'an append-only file that cannot grow',
        seen: `Redis ended (${code ?? signal}); ${errors.length} joins were 503; ${held} tickets were held, ${seqBack} were on the disk`,
        holds: {
          'Redis ended by itself': code !== 0 && signal === null,
          'joins failed closed': errors.length > 20 && errors.every(({ status }) => status === 503),
          'every ticket that was answered was on the disk': seqBack >= held,
        },
        verdict,
      },
    };
  },
};

const tornLog: FaultCase = {
  numbers: [10],
  name: 'the last commands of the append-only file are torn off at a crash',
  run: async (stage) => {
    const house = await stage.house();
    const sale = await house.openSale({ stock: 300, shards: 4 });
    await sale.crowd({ buyers: 200, perSecond: 400, polls: false }).ended;
    await house.redis.stop('SIGKILL');
    const log = house.redis.logFile();
    const torn = between(stage.chance, 200, 1_500);
    truncateSync(log, statSync(log).size - torn);
    await house.redis.start();
    const kept = await seqOf(house.redis.raw, sale);
    await house.startWorker('w1', SHORT_GRACE);
    // Nobody joins again: their tickets alone, asked for by the checker, must bring them back.
    const verdict = await sale.check();
    return {
      10: {
        injected: `kill -9, ${torn} bytes torn off the log`,
        seen: `${kept} of 200 tickets were left in Redis`,
        holds: { 'something was lost': kept < 200 },
        verdict,
      },
    };
  },
};

const corruptLog: FaultCase = {
  numbers: [10],
  name: 'a byte in the middle of the append-only file is flipped: Redis refuses to start',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 300, shards: 4 });
    await sale.crowd({ buyers: 150, perSecond: 300 }).ended;
    await house.redis.stop('SIGKILL');
    const log = house.redis.logFile();
    const sound = readFileSync(log);
    const flipped = Buffer.from(sound);
    // A length field, so that the load cannot miss it.
    const at = flipped.indexOf('\r\n$', Math.floor(flipped.length * (0.3 + 0.4 * stage.chance()))) + 2;
    flipped[at] = flipped[at]! ^ 0x10;
    writeFileSync(log, flipped);
    const refusal = await house.redis.start().then(
      () => '',
      (error: unknown) => String(error),
    );
    const during = sale.crowd({ buyers: 50, perSecond: 100, insists: false, polls: false, nameOf: (i) => `late-${i}` });
    const refused = countJoins(await during.ended, ({ status }) => status === 503);
    writeFileSync(log, sound);
    await house.redis.start();
    await sale.crowd({ buyers: 50, perSecond: 100, nameOf: (i) => `late-${i}` }).ended;
    const verdict = await sale.check();
    return {
      10: {
        injected: `one bit of ${sound.length} bytes`,
        seen: `Redis refused to start; ${refused} of 50 joins were 503 until the log was repaired`,
        holds: { 'Redis refused': /ended/.test(refusal), 'nobody was admitted meanwhile': refused === 50 },
        verdict,
      },
    };
  },
};

const LOST_TAIL = 3;

const reusedIds: FaultCase = {
  numbers: [17],
  name: 'Redis loses its last tickets after they were issued, and gives their ids to others',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 100, shards: 2 });
    await sale.crowd({ buyers: 20, perSecond: 200 }).ended;
    await house.workers.get('w1')!.end('SIGTERM');
    await house.redis.stop('SIGTERM');
    house.redis.snapshot('before');
    await house.redis.start();
    await house.startWorker('w1');
    await sale.crowd({ buyers: LOST_TAIL, perSecond: 200, nameOf: (index) => `lost-${index}` }).ended;
    await house.redis.stop('SIGKILL');
    house.redis.restore('before');
    await house.redis.start();
    await until('the front is ready', 5_000, () => isReady(house));
    await sale.crowd({ buyers: 10, perSecond: 200, nameOf: (index) => `next-${index}` }).ended;
    const verdict = await sale.check({ forgottenUsers: true });
    const bySeq = Map.groupBy(verdict.ledger.rows, ({ seq, epoch }) => `${epoch} ${seq}`);
    const shared = [...bySeq.values()].filter((rows) => rows.length > 1).length;
    return {
      17: {
        injected: `${LOST_TAIL} issued tickets lost from Redis, ${shared} of their ids given out again`,
        seen: `${verdict.rowCount} rows for ${verdict.ticketCount} tickets, pending ${Object.keys(await pendingOf(house.redis.raw, sale, 2)).length}`,
        // Some of those who came next may not have waited for the gate to be rebuilt.
        holds: {
          'no ticket was taken for another one of its id': shared === 0 && verdict.rowCount === verdict.ticketCount,
          'those whose tickets were lost have their rows': verdict.rowCount >= 20 + LOST_TAIL,
        },
        verdict,
      },
    };
  },
};

export const redisDisk: readonly FaultCase[] = [fullMemory, fsyncOrder, fullDisk, tornLog, corruptLog, reusedIds];
