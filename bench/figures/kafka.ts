// What it costs to have Kafka carry the tickets: a drain and the joins beside it, against Redis Streams alone. One broker on
// this machine, which takes its share of the two cores.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kafka, startKafka } from '../../test/kafka/broker.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { Missing } from '../processes.ts';
import { alternate, type Contender } from '../rounds.ts';
import { startWorker } from '../sluice.ts';
import { startRedis } from '../stores.ts';
import { openJoins } from '../under-load.ts';
import { drainSluice } from './drain.ts';

export const kafka: Figure = {
  name: 'kafka',
  ratios: [
    {
      text: 'tickets drained/s through Kafka ÷ through Redis Streams',
      bar: { atLeast: 0.7 },
      over: 'drain-kafka.ratePerSecond',
      under: 'drain-streams.ratePerSecond',
    },
    {
      text: 'joins/s while a worker issues through Kafka ÷ through Redis Streams',
      bar: { atLeast: 0.95 },
      over: 'joinskafka.ratePerSecond',
      under: 'joinsstreams.ratePerSecond',
    },
  ],
  async measure(context) {
    await using broker = await openBroker();
    return await alternate(
      context,
      [
        drainSluice(context, 'drain-streams'),
        drainSluice(context, 'drain-kafka', async () => ({ settings: workerThrough(broker, 'drain') })),
        joinsBeside(context, 'joinsstreams', {}),
        joinsBeside(context, 'joinskafka', workerThrough(broker, 'joins')),
      ],
      ['The Kafka broker runs on the same two cores as everything else.'],
    );
  },
};

async function openBroker(): Promise<Kafka> {
  try {
    return await startKafka();
  } catch (error) {
    throw new Missing((error as Error).message);
  }
}

/** A topic and a group of its own: what another contender left is not read. */
const workerThrough = ({ brokers }: Kafka, name: string): Record<string, string> => ({
  BROKER: 'kafka',
  KAFKA_BROKERS: brokers.join(','),
  KAFKA_TOPIC: name,
  KAFKA_GROUP: name,
  KAFKA_PARTITIONS: '8',
});

const WORKER_STARTS_MS = 3_000;

/** Joins on a front whose tickets one worker issues meanwhile. */
const joinsBeside = (context: Context, name: string, settings: Record<string, string>): Contender => ({
  name,
  async open(stack) {
    const redis = stack.use(await startRedis('always'));
    const databaseUrl = await (await context.stand.database()).url(name);
    const front = stack.use(await context.stand.startFront({ redisUrl: redis.url, databaseUrl }, settings));
    stack.use(startWorker(front, name));
    await sleep(WORKER_STARTS_MS);
    const measure: () => Promise<Sample> = await openJoins(context, front, { front: front.pid, redis: redis.pid });
    return measure;
  },
});
