// What it costs to have Kafka carry the tickets: a drain and the joins beside it, against Redis Streams alone. One broker on
// this machine, which takes its share of the two cores.
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { decodeBlock } from '../../src/broker/kafka/record.ts';
import { recordKeyOf } from '../../src/domain/environment-keys.ts';
import { openAdmin } from '../../src/kafka/clients.ts';
import { steadyLoad } from '../../test/helpers/steady-load.ts';
import { type Kafka, startKafka } from '../../test/kafka/broker.ts';
import { readTopic } from '../../test/kafka/read-topic.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { ownerOf } from '../open-loop.ts';
import { serverAt } from '../peers/kafka-server.ts';
import { Missing } from '../processes.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, joinPath, startWorker } from '../sluice.ts';
import { startRedis } from '../stores.ts';
import { openJoins } from '../under-load.ts';
import { drainSluice } from './drain.ts';

const DELAY_JOINS_PER_SECOND = 2_000;
/** The broker notes in each record when it had it. */
const STAMPED = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
/** Of each topic of this bench. */
export const PARTITIONS = 8;

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
      text: `ms from a ticket's admission until Kafka has it, p99 at ${DELAY_JOINS_PER_SECOND} joins/s`,
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

export async function openBroker(): Promise<Kafka> {
  try {
    // Java compiles all of it, as it does where Kafka's own script starts a broker.
    return await startKafka({ jvm: ['-Xmx512m'] });
  } catch (error) {
    throw new Missing((error as Error).message);
  }
}

/** A topic and a group of its own: what another contender left is not read. */
export const workerThrough = ({ brokers }: Kafka, name: string): Record<string, string> => ({
  BROKER: 'kafka',
  KAFKA_BROKERS: brokers.join(','),
  KAFKA_TOPIC: name,
  KAFKA_GROUP: name,
  KAFKA_PARTITIONS: String(PARTITIONS),
});

const WORKER_STARTS_MS = 3_000;
const CARRIED_DEADLINE_MS = 10_000;

/** Joins on a front whose tickets one worker issues meanwhile. */
export const joinsBeside = (context: Context, name: string, settings: Record<string, string>): Contender => ({
  name,
  async open(stack) {
    const redis = stack.use(await startRedis('always'));
    const databaseUrl = await (await context.stand.database()).url(name);
    const front = stack.use(await context.stand.startFront({ redisUrl: redis.url, databaseUrl }, settings));
    const worker = stack.use(startWorker(front, name));
    await sleep(WORKER_STARTS_MS);
    const database = await context.stand.database();
    const pids = { front: front.pid, redis: redis.pid, database: database.pid, worker: worker.pid };
    const measure = await openJoins(context, front, pids);
    return await countingRows(stack, databaseUrl, measure);
  },
});

/** The same rounds, and the rows that came into the table of issued tickets meanwhile, by second. */
export async function countingRows(
  stack: AsyncDisposableStack,
  databaseUrl: string,
  measure: () => Promise<Sample>,
): Promise<() => Promise<Sample>> {
  const ledger = await createConnection({ uri: databaseUrl });
  stack.defer(() => ledger.destroy());
  const count = async () => {
    const [rows] = await ledger.query<RowDataPacket[]>('select count(*) as rowCount from issuances');
    return { rowCount: Number(rows[0]!.rowCount), at: performance.now() };
  };
  return async () => {
    const before = await count();
    const sample = await measure();
    const after = await count();
    return { ...sample, issuedPerSecond: ((after.rowCount - before.rowCount) / (after.at - before.at)) * 1_000 };
  };
}

/** A steady load of joins; when tickets came into the topic is read afterwards, so that no second reader takes its share. */
const delay = (context: Context, broker: Kafka): Contender => ({
  name: 'delay',
  async open(stack) {
    const redis = stack.use(await startRedis('always'));
    const databaseUrl = await (await context.stand.database()).url('delay');
    const settings = workerThrough(broker, 'delay');
    await createTopic(broker, settings.KAFKA_TOPIC!, STAMPED);
    const front = stack.use(await context.stand.startFront({ redisUrl: redis.url, databaseUrl }, settings));
    stack.use(startWorker(front, 'delay'));
    await sleep(WORKER_STARTS_MS);
    const sealKey = recordKeyOf(Buffer.from(front.environment.COUPON_KEY!, 'hex'));
    return async () => {
      const id = context.stand.freshName('delay');
      const seconds = context.seconds + context.warmSeconds;
      await front.createCampaign({ id, stock: 2 * DELAY_JOINS_PER_SECOND * seconds });
      const load = steadyLoad(ownerOf(stack), `http://127.0.0.1:${front.port}`, DELAY_JOINS_PER_SECOND, (n) => {
        return { method: 'POST', path: joinPath(id), headers: { 'x-user-id': `${id}-${n}` } };
      });
      await sleep(context.warmSeconds * 1_000);
      const from = Date.now();
      await sleep(context.seconds * 1_000);
      const to = Date.now();
      await load.stop();
      await untilCarried(front, id);
      const records = await readTopic(broker.brokers, settings.KAFKA_TOPIC!);
      const delays = records.flatMap(({ value, appendedAt }) => {
        const block = decodeBlock(value, sealKey);
        const admitted = (block?.campaign === id ? block.entries : []).map(({ fields }) => Number(fields.admitted_at));
        return admitted.filter((at) => at >= from && at < to).map((at) => appendedAt - at);
      });
      const sorted = delays.toSorted((a, b) => a - b);
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

/** A topic, with settings where it needs some. */
export async function createTopic(
  { brokers }: Kafka,
  topic: string,
  configs: { name: string; value: string }[] = [],
): Promise<void> {
  const admin = openAdmin(serverAt(brokers.join(',')), 'bench');
  try {
    await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1, configs });
  } finally {
    await admin.close();
  }
}

/** What is issued has been in the topic. */
async function untilCarried(front: Front, id: string): Promise<void> {
  const deadline = performance.now() + CARRIED_DEADLINE_MS;
  while ((await front.counts(id)).backlog > 0) {
    if (performance.now() > deadline) throw new Error(`${id} still has a backlog`);
    await sleep(100);
  }
}
