// Tickets that Kafka carries: workers, relay, brokers and stores that die while it does, and what a shop is told of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helpers/until.ts';
import { readTopic } from '../../kafka/read-topic.ts';
import type { FaultCase } from '../case.ts';
import { oneOf } from '../chance.ts';
import type { Sale } from '../stage/sale.ts';
import type { House } from '../stage/stage.ts';
import { pendingOf, rowCount, settled, slowLedger } from './watch.ts';

const SHARDS = 4;
const BUYERS = 2_000;
const STOCK = 1_500;
const SALE = { stock: STOCK, shards: SHARDS };
const CROWD = { buyers: BUYERS, perSecond: 200, patienceMs: 120_000 };
const REST_MS = 90_000;

/** How often a ticket is in the topic, all together; a record holds several, in its first line. */
async function carriedCount(house: House): Promise<number> {
  const { brokers, topic } = house.kafka!;
  const records = await readTopic(brokers, topic);
  return records.reduce((sum, { value }) => sum + JSON.parse(value.toString().split('\n')[0]!).entries.length, 0);
}

/** The worker that is the relay; undefined between two of them. */
const relayOf = async (house: House): Promise<string | undefined> =>
  (await house.redis.raw.get('sluice:relay'))?.split(' ')[0];

const untilRows = (house: House, sale: Sale, count: number) =>
  until(`${count} rows`, 60_000, async () => (await rowCount(house, sale)) >= count);

async function killAndStart(house: House, name: string): Promise<void> {
  await house.workers.get(name)!.end('SIGKILL');
  await house.startWorker(name);
}

/** What is true of every sale that Kafka carried, once it is at rest. */
async function carriedBy(house: House, sale: Sale, verdict: { ticketCount: number }) {
  const carried = await carriedCount(house);
  const pending = Object.values(await pendingOf(house.redis.raw, sale, SHARDS)).length;
  return {
    seen: `${verdict.ticketCount} tickets, ${carried - verdict.ticketCount} of them carried again`,
    holds: {
      'every ticket went through the topic': carried >= verdict.ticketCount,
      'nothing is pending': pending === 0,
      'the stock is sold': verdict.ticketCount === STOCK,
    },
  };
}

const workersKilled: FaultCase = {
  numbers: [60],
  name: 'workers and the relay are killed again and again while Kafka carries the tickets',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const names = ['w1', 'w2', 'w3'];
    const house = await stage.house({ workers: names, kafka: {} });
    await slowLedger(house, 0.003);
    const sale = await house.openSale(SALE);
    const crowd = sale.crowd(CROWD);
    const kills = { workers: 0, relays: 0 };
    for (let round = 1; round <= 5; round += 1) {
      await untilRows(house, sale, 100 * round);
      await killAndStart(house, oneOf(stage.chance, names));
      kills.workers += 1;
      const relay = await until('a relay', 20_000, () => relayOf(house));
      await killAndStart(house, relay);
      kills.relays += 1;
      await sleep(1_000);
    }
    await crowd.ended;
    const verdict = await sale.check({}, REST_MS);
    const { seen, holds } = await carriedBy(house, sale, verdict);
    return {
      60: {
        injected: `${kills.workers} workers and ${kills.relays} relays killed -9, each back a moment later`,
        seen,
        holds,
        verdict,
      },
    };
  },
};

const manyWorkersAtOnce: FaultCase = {
  numbers: [61],
  name: 'workers come and go while Kafka carries the tickets: each time the partitions are shared anew',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w0'], kafka: {} });
    const sale = await house.openSale(SALE);
    const crowd = sale.crowd(CROWD);
    await settled(crowd, 100, 60_000);
    await Promise.all(Array.from({ length: 5 }, (_, index) => house.startWorker(`w${index + 1}`)));
    await settled(crowd, 500, 60_000);
    for (const name of ['w1', 'w3', 'w5']) await house.workers.get(name)!.end('SIGTERM');
    await crowd.ended;
    const verdict = await sale.check({}, REST_MS);
    const { seen, holds } = await carriedBy(house, sale, verdict);
    return { 61: { injected: '5 workers joined at once and 3 left in turn', seen, holds, verdict } };
  },
};

const brokerHurt: FaultCase = {
  numbers: [62, 63],
  name: 'the broker is killed, started again, and stands still for 10 s',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], kafka: {} });
    const sale = await house.openSale(SALE);
    const crowd = sale.crowd(CROWD);
    await untilRows(house, sale, 200);
    await house.kafka!.kill(1);
    await sleep(2_000);
    await house.kafka!.restart(1);
    await untilRows(house, sale, (await rowCount(house, sale)) + 200);
    house.kafka!.freeze(1);
    await sleep(10_000);
    house.kafka!.thaw(1);
    const joined = await crowd.ended.then(({ joins }) => joins.length);
    const verdict = await sale.check({}, REST_MS);
    const { seen, holds } = await carriedBy(house, sale, verdict);
    const injected = 'the broker killed -9 and restarted, then frozen for 10 s, under the sale';
    return {
      62: {
        injected,
        seen: `${seen}; ${joined} answers to joins`,
        holds: { 'joins went on': joined >= BUYERS, ...holds },
        verdict,
      },
      63: { injected, seen, holds },
    };
  },
};

const leaderLost: FaultCase = {
  numbers: [63],
  name: 'the leader of a partition is killed, one broker of three',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], kafka: { nodes: 3 } });
    const sale = await house.openSale(SALE);
    const crowd = sale.crowd(CROWD);
    await untilRows(house, sale, 200);
    const leader = await house.kafka!.leaderOf(house.kafka!.topic, 0);
    await house.kafka!.kill(leader);
    await crowd.ended;
    await untilRows(house, sale, STOCK);
    await house.kafka!.restart(leader);
    const verdict = await sale.check({}, REST_MS);
    const { seen, holds } = await carriedBy(house, sale, verdict);
    return {
      63: { injected: 'one of 3 brokers, leader of partition 0, killed -9 until all was sold', seen, holds, verdict },
    };
  },
};

const storesHurt: FaultCase = {
  numbers: [64],
  name: 'Redis is killed and comes back, then the ledger stands still, while Kafka carries the tickets',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], kafka: {}, ownDatabase: true });
    const sale = await house.openSale(SALE);
    const crowd = sale.crowd(CROWD);
    await untilRows(house, sale, 200);
    await house.redis.stop('SIGKILL');
    await sleep(500);
    await house.redis.start();
    await untilRows(house, sale, (await rowCount(house, sale)) + 200);
    process.kill(house.databaseServer!.pid(), 'SIGSTOP');
    await sleep(5_000);
    process.kill(house.databaseServer!.pid(), 'SIGCONT');
    await crowd.ended;
    const verdict = await sale.check({}, REST_MS);
    const { seen, holds } = await carriedBy(house, sale, verdict);
    return {
      64: { injected: 'Redis killed -9 and started on its data, the ledger frozen for 5 s', seen, holds, verdict },
    };
  },
};

const switched: FaultCase = {
  numbers: [65],
  name: 'workers are moved from Redis Streams to Kafka and back in the middle of a sale',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ kafka: {} });
    await slowLedger(house, 0.003);
    const streams = { BROKER: 'redis' };
    await Promise.all(['r1', 'r2'].map((name) => house.startWorker(name, streams)));
    const sale = await house.openSale(SALE);
    const crowd = sale.crowd(CROWD);
    await untilRows(house, sale, 200);
    // The one way with an orderly end of the old workers, and the other with their sudden one.
    await Promise.all(['r1', 'r2'].map((name) => house.workers.get(name)!.end('SIGTERM')));
    await Promise.all(['k1', 'k2'].map((name) => house.startWorker(name)));
    await untilRows(house, sale, 600);
    await Promise.all(['k1', 'k2'].map((name) => house.workers.get(name)!.end('SIGKILL')));
    await Promise.all(['r3', 'r4'].map((name) => house.startWorker(name, streams)));
    await untilRows(house, sale, 900);
    await Promise.all(['r3', 'r4'].map((name) => house.workers.get(name)!.end('SIGKILL')));
    await Promise.all(['k3', 'k4'].map((name) => house.startWorker(name)));
    await crowd.ended;
    const verdict = await sale.check({}, REST_MS);
    const carried = await carriedCount(house);
    return {
      65: {
        injected: 'redis → kafka → redis → kafka under the sale, the last two by kill -9',
        seen: `${carried} tickets in the topic`,
        holds: {
          'both carried': carried > 0 && carried < 2 * STOCK,
          'the stock is sold': verdict.ticketCount === STOCK,
        },
        verdict,
      },
    };
  },
};

export const kafka: readonly FaultCase[] = [
  workersKilled,
  manyWorkersAtOnce,
  brokerHurt,
  leaderLost,
  storesHurt,
  switched,
];
