// What it costs to have Kafka carry the tickets: a drain and the joins beside it, against Redis Streams alone. One broker on
// this machine, which takes its share of the two cores.
import { setTimeout as sleep } from 'node:timers/promises';
import { GroupReader } from '../../src/broker/kafka/group-reader.ts';
import { recordKeyOf } from '../../src/domain/environment-keys.ts';
import { openMember } from '../../src/kafka/clients.ts';
import { steadyLoad } from '../../test/helpers/steady-load.ts';
import { type Kafka, startKafka } from '../../test/kafka/broker.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { ownerOf } from '../open-loop.ts';
import { Missing } from '../processes.ts';
import { alternate, type Contender } from '../rounds.ts';
import { joinPath, startWorker } from '../sluice.ts';
import { startRedis } from '../stores.ts';
import { openJoins } from '../under-load.ts';
import { drainSluice } from './drain.ts';

const DELAY_JOINS_PER_SECOND = 2_000;

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
    {
      text: `ms from a ticket's admission until it is read from the topic, p99 at ${DELAY_JOINS_PER_SECOND} joins/s`,
      bar: { atMost: 50 },
      over: 'delay.p99Ms',
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
        delay(context, broker),
      ],
      ['The Kafka broker runs on the same two cores as everything else.'],
    );
  },
};

async function openBroker(): Promise<Kafka> {
  try {
    // Java compiles all of it, as it does where Kafka's own script starts a broker.
    return await startKafka({ jvm: ['-Xmx512m'] });
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

/** A steady load of joins; what the relay puts into the topic meanwhile is read beside the worker, in a group of its own. */
const delay = (context: Context, broker: Kafka): Contender => ({
  name: 'delay',
  async open(stack) {
    const redis = stack.use(await startRedis('always'));
    const databaseUrl = await (await context.stand.database()).url('delay');
    const settings = workerThrough(broker, 'delay');
    const front = stack.use(await context.stand.startFront({ redisUrl: redis.url, databaseUrl }, settings));
    stack.use(startWorker(front, 'delay'));
    await sleep(WORKER_STARTS_MS);
    const delays: number[] = [];
    const reader = new GroupReader({
      ...openMember({ ...serverOf(broker), group: 'delay-reader' }, 'reader'),
      topic: settings.KAFKA_TOPIC!,
      sealKey: recordKeyOf(Buffer.from(front.environment.COUPON_KEY!, 'hex')),
      onFetched(found) {
        for (const fetched of found.flat()) {
          delays.push(Date.now() - Number(fetched.entry.fields.admitted_at));
          fetched.window.done(fetched);
        }
      },
      onRevoked: () => undefined,
      onLook: () => undefined,
      onError: (error) => context.tell(String(error)),
    });
    stack.defer(() => reader.close());
    reader.want(true);
    return async () => {
      const id = context.stand.freshName('delay');
      const seconds = context.seconds + context.warmSeconds;
      await front.createCampaign({ id, stock: 2 * DELAY_JOINS_PER_SECOND * seconds });
      const load = steadyLoad(ownerOf(stack), `http://127.0.0.1:${front.port}`, DELAY_JOINS_PER_SECOND, (n) => {
        return { method: 'POST', path: joinPath(id), headers: { 'x-user-id': `${id}-${n}` } };
      });
      await sleep(context.warmSeconds * 1_000);
      delays.length = 0;
      await sleep(context.seconds * 1_000);
      const sorted = delays.toSorted((a, b) => a - b);
      await load.stop();
      const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
      return {
        requests: sorted.length,
        ratePerSecond: sorted.length / context.seconds,
        p50Ms: at(0.5),
        p99Ms: at(0.99),
      };
    };
  },
});

const serverOf = ({ brokers }: Kafka) => ({
  brokers: brokers.map((broker) => {
    const [host, port] = broker.split(':') as [string, string];
    return { host, port: Number(port) };
  }),
  tls: undefined,
  sasl: undefined,
});
