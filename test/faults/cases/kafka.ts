// Tickets that Kafka carries: workers, relay, brokers and stores that die while it does, and what a shop is told of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { sluice } from '../../cli/sluice.ts';
import { freePort } from '../../helpers/free-port.ts';
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts';
import { until } from '../../helpers/until.ts';
import { type NodePorts, startKafka } from '../../kafka/broker.ts';
import { readTopic } from '../../kafka/read-topic.ts';
import type { FaultCase, Finding } from '../case.ts';
import { oneOf } from '../chance.ts';
import type { Verdict } from '../checker/checker.ts';
import type { Crowd } from '../crowd/crowd.ts';
import type { Sale } from '../stage/sale.ts';
import type { House } from '../stage/stage.ts';
import { pendingOf, rowCount, settled, slowLedger } from './watch.ts';

const SHARDS = 4;
/** `SALE_BUYERS=20000 npm run faults -- 60` is the same with a larger crowd, which comes within 50 s. */
const BUYERS = Number(process.env.SALE_BUYERS ?? 2_000);
const STOCK = BUYERS * 0.75;
const SALE = { stock: STOCK, shards: SHARDS };
const CROWD = { buyers: BUYERS, perSecond: Math.max(200, BUYERS / 50), patienceMs: 120_000 };
const REST_MS = 90_000;

/** What is in the topic: records, and tickets each time that they are in one; a record holds several, in its first line. */
async function carriedIn(house: House): Promise<{ records: number; tickets: number }> {
  const { brokers, topic } = house.kafka!;
  const records = await readTopic(brokers, topic);
  const entriesOf = (value: Buffer): unknown[] => JSON.parse(value.toString().split('\n')[0]!).entries;
  return { records: records.length, tickets: records.reduce((sum, { value }) => sum + entriesOf(value).length, 0) };
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

/** Waits for the crowd's end, and says what is true of every sale that Kafka carried, once it is at rest. */
async function endOf(
  house: House,
  sale: Sale,
  crowd: Crowd,
  injected: string,
): Promise<Finding & { verdict: Verdict }> {
  await crowd.ended;
  await untilRows(house, sale, STOCK);
  const verdict = await sale.check({}, REST_MS);
  const carried = await carriedIn(house);
  const pending = Object.values(await pendingOf(house.redis.raw, sale, SHARDS)).length;
  return {
    injected,
    seen: `${carried.tickets} tickets in ${carried.records} records of the topic for ${verdict.ticketCount} that buyers hold`,
    holds: {
      'every ticket went through the topic': carried.tickets >= verdict.ticketCount,
      'nothing is pending': pending === 0,
      // A buyer whose patience ends while Redis is away may hold no ticket although a row is theirs.
      'the stock is sold': (await rowCount(house, sale)) === STOCK,
    },
    verdict,
  };
}

const workersKilled: FaultCase = {
  numbers: [60],
  name: 'workers and the relay are killed again and again while Kafka carries the tickets',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const names = ['w1', 'w2', 'w3'];
    const house = await stage.house({ workers: names, kafka: {}, direct: true });
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
    const injected = `${kills.workers} workers and ${kills.relays} relays killed -9, each back a moment later`;
    return { 60: await endOf(house, sale, crowd, injected) };
  },
};

const manyWorkersAtOnce: FaultCase = {
  numbers: [61],
  name: 'workers come and go while Kafka carries the tickets: each time the group shares its partitions again',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w0'], kafka: {}, direct: true });
    const sale = await house.openSale(SALE);
    const crowd = sale.crowd(CROWD);
    await settled(crowd, 100, 60_000);
    await Promise.all(Array.from({ length: 5 }, (_, index) => house.startWorker(`w${index + 1}`)));
    await settled(crowd, 500, 60_000);
    for (const name of ['w1', 'w3', 'w5']) await house.workers.get(name)!.end('SIGTERM');
    return { 61: await endOf(house, sale, crowd, '5 workers joined at once and 3 left in turn') };
  },
};

const brokerHurt: FaultCase = {
  numbers: [62, 63],
  name: 'the broker is killed, started again, and stands still for 10 s',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], kafka: {}, direct: true });
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
    const end = await endOf(
      house,
      sale,
      crowd,
      'the broker killed -9 and restarted, then frozen for 10 s, under the sale',
    );
    const joined = crowd.history.joins.length;
    return {
      62: {
        ...end,
        seen: `${end.seen}; ${joined} answers to joins`,
        holds: { 'joins went on': joined >= BUYERS, ...end.holds },
      },
      63: { injected: end.injected, seen: end.seen, holds: end.holds },
    };
  },
};

const leaderLost: FaultCase = {
  numbers: [63],
  name: 'the leader of a partition is killed, one broker of three',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], kafka: { nodes: 3 }, direct: true });
    const sale = await house.openSale(SALE);
    const crowd = sale.crowd(CROWD);
    await untilRows(house, sale, 200);
    const leader = await house.kafka!.leaderOf(house.kafka!.topic, 0);
    await house.kafka!.kill(leader);
    await crowd.ended;
    await untilRows(house, sale, STOCK);
    await house.kafka!.restart(leader);
    const injected = 'one of 3 brokers, leader of partition 0, killed -9 until all was sold';
    return { 63: await endOf(house, sale, crowd, injected) };
  },
};

const storesHurt: FaultCase = {
  numbers: [64],
  name: 'Redis is killed and comes back, then the ledger stands still, while Kafka carries the tickets',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], kafka: {}, ownDatabase: true, direct: true });
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
    const injected = 'Redis killed -9 and started on its data, the ledger frozen for 5 s';
    return { 64: await endOf(house, sale, crowd, injected) };
  },
};

const switched: FaultCase = {
  numbers: [65],
  name: 'workers are moved from Redis Streams to Kafka and back in the middle of a sale',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ kafka: {}, direct: true });
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
    const injected = 'redis → kafka → redis → kafka under the sale, the last two by kill -9';
    const { holds, ...end } = await endOf(house, sale, crowd, injected);
    // Some tickets went from the streams to the workers.
    const { 'every ticket went through the topic': _, ...rest } = holds;
    const carried = (await carriedIn(house)).tickets;
    return { 65: { ...end, holds: { 'both carried': carried > 0 && carried < 2 * STOCK, ...rest } } };
  },
};

/** In each record that the relay sends, and in no other question to a broker. */
const PRODUCED = '{"v":2,"campaign":"';

const repliesLost: FaultCase = {
  numbers: [63],
  name: 'every reply to the relay is lost once: the broker has the records, and the relay does not know',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    // Its target is known once the broker has a port.
    const proxy = await startTcpProxy(stage.scope, 'tcp://127.0.0.1:1');
    const properties = ({ port }: NodePorts) => {
      proxy.turnTo(`tcp://127.0.0.1:${port}`);
      return { 'advertised.listeners': `PLAINTEXT://${new URL(proxy.url).host}` };
    };
    const house = await stage.house({ workers: ['w1', 'w2'], kafka: { properties }, direct: true });
    const sale = await house.openSale(SALE);
    const ended = new AbortController();
    const losing = loseEveryOther(proxy, ended.signal);
    const crowd = sale.crowd(CROWD);
    await crowd.ended;
    ended.abort();
    const lost = await losing;
    const end = await endOf(
      house,
      sale,
      crowd,
      `${lost} replies to produce requests lost, every other one, with a reset`,
    );
    return { 63: { ...end, holds: { 'replies were lost': lost >= 5, ...end.holds } } };
  },
};

/** The request that the client sends again gets its answer. */
async function loseEveryOther(proxy: TcpProxy, ending: AbortSignal): Promise<number> {
  const over = new Promise<void>((resolve) => ending.addEventListener('abort', () => resolve()));
  for (let lost = 0; ; lost += 1) {
    await Promise.race([proxy.loseAnswerTo(PRODUCED, 'close').sprung, over]);
    if (ending.aborted) return lost;
    await Promise.race([proxy.loseAnswerTo(PRODUCED, { cutAfter: Number.POSITIVE_INFINITY }).sprung, over]);
  }
}

const wrongListener: FaultCase = {
  numbers: [66],
  name: 'the broker advertises an address at which nothing listens',
  needs: ['kafka'],
  slow: true,
  run: async (stage) => {
    const wrong = `127.0.0.1:${await freePort()}`;
    const house = await stage.house({});
    const kafka = await startKafka({ properties: { 'advertised.listeners': `PLAINTEXT://${wrong}` } });
    stage.scope.onTestFinished(() => kafka.stop());
    const stores = { REDIS_URL: house.redis.url, DATABASE_URL: house.database.url };
    const { out } = await sluice(['doctor'], { ...stores, KAFKA_BROKERS: kafka.brokers.join(',') });
    const line = out.split('\n').find((text) => text.includes('kafka-listeners')) ?? '';
    return {
      66: {
        injected: `a broker at ${kafka.brokers[0]} that says it is at ${wrong}`,
        seen: `the doctor: ${line.trim()}`,
        holds: {
          'the doctor names the address': out.includes(wrong),
          'and the setting that cures it': out.includes('advertised.listeners'),
        },
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
  repliesLost,
  wrongListener,
];
