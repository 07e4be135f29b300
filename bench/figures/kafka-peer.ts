// Sluice with Kafka beside the design of the incident reports on the same broker: a request that sends its message, and a
// consumer group that makes each message a transaction. Both are tuned; see `bench/peers/hono-kafka.ts` and `kafka-consumer.ts`.
import { fileURLToPath } from 'node:url';
import { openProducer } from '../../src/kafka/clients.ts';
import type { Kafka } from '../../test/kafka/broker.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { serverAt } from '../peers/kafka-server.ts';
import { startPeer } from '../peers.ts';
import { startChild } from '../processes.ts';
import { alternate, type Contender } from '../rounds.ts';
import { joinPath } from '../sluice.ts';
import { underLoad } from '../under-load.ts';
import { bestOf, drainSluice, openProgram } from './drain.ts';
import { countingRows, createTopic, joinsBeside, openBroker, PARTITIONS, workerThrough } from './kafka.ts';

const CONSUMER = new URL('../peers/kafka-consumer.ts', import.meta.url);
/** What the peer's producer waits for more messages, as operators set `linger.ms`. */
const LINGERS_MS = [0, 5, 20];
/** Messages in one produce request while a topic is filled. */
const FILL_BATCH = 500;

export const kafkaPeer: Figure = {
  name: 'kafka-peer',
  ratios: [
    {
      text: 'joins/s with a worker on Kafka ÷ requests/s of a front that sends each to Kafka, its consumer beside it',
      bar: { atLeast: 1 },
      over: 'sluiceaccepts.ratePerSecond',
      under: 'peeraccepts.ratePerSecond',
    },
    {
      text: 'tickets issued/s meanwhile ÷ those of that consumer group',
      bar: { atLeast: 3 },
      over: 'sluiceaccepts.issuedPerSecond',
      under: 'peeraccepts.issuedPerSecond',
    },
    {
      text: 'tickets drained/s from Kafka ÷ messages/s of a consumer group with one transaction a message',
      bar: { atLeast: 10 },
      over: 'sluiceissues.ratePerSecond',
      under: 'peerissues.ratePerSecond',
    },
  ],
  async measure(context) {
    await using broker = await openBroker();
    const notes = [
      'The Kafka broker runs on the same two cores as everything else.',
      `The peer: ${PARTITIONS} partitions, as many transactions at once, ${PARTITIONS} connections; its request has no stock, no place and no ticket.`,
    ];
    return await alternate(
      context,
      [
        joinsBeside(context, 'sluiceaccepts', workerThrough(broker, 'sluiceaccepts')),
        peerAccepts(context, broker, notes),
        drainSluice(context, 'sluiceissues', async () => ({ settings: workerThrough(broker, 'sluiceissues') })),
        peerIssues(context, broker),
      ],
      notes,
    );
  },
};

const argsOf = ({ brokers }: Kafka): string[] => ['--brokers', brokers.join(',')];

/**
 * Requests on a front whose messages one consumer process issues meanwhile. Both are started for each round, and their topic is a
 * new one: the consumer never ends what the front accepts, and would continue with it beside the other contenders.
 */
const peerAccepts = (context: Context, broker: Kafka, notes: string[]): Contender => ({
  name: 'peeraccepts',
  async open() {
    const database = await (await context.stand.database()).url('peeraccepts');
    const measure = async (lingerMs: number): Promise<Sample> => {
      await using own = new AsyncDisposableStack();
      const topic = context.stand.freshName('peeraccepts');
      await createTopic(broker, topic);
      const consumer = [...argsOf(broker), '--database', database, '--partitions', `${PARTITIONS}`, '--topic', topic];
      const child = startChild({
        role: 'contender',
        command: [process.execPath, fileURLToPath(CONSUMER), ...consumer],
      });
      own.defer(() => child.stop());
      const front = [...argsOf(broker), '--topic', topic, '--linger', String(lingerMs)];
      const peer = own.use(await startPeer('hono-kafka', front));
      const load = (seconds: number) => {
        const crowd = context.stand.freshName('peer');
        const target = { port: peer.port, method: 'POST' as const, paths: [joinPath(topic)], crowd };
        return underLoad(context, target, { front: peer.pid, worker: child.pid }, seconds);
      };
      await load(context.warmSeconds);
      const sample = await (await countingRows(own, database, () => load(context.seconds)))();
      if (child.child.exitCode !== null) throw new Error(`the consumer ended: ${child.output()}`);
      return sample;
    };
    const choices = context.quick ? [0] : LINGERS_MS;
    const lingerMs = await bestOf(choices, measure);
    notes.push(`The peer's producer: best of linger ${choices.join('/')} ms: ${lingerMs}.`);
    return () => measure(lingerMs);
  },
});

/** Rounds of filling a topic and consuming it. */
const peerIssues = (context: Context, broker: Kafka): Contender => ({
  name: 'peerissues',
  async open(stack) {
    const run = await openProgram(context, stack, CONSUMER, [...argsOf(broker), '--partitions', `${PARTITIONS}`]);
    const issue = async (tickets: number) => {
      const topic = context.stand.freshName('peerissues');
      await createTopic(broker, topic);
      await fillTopic(broker, topic, tickets);
      return run({ tickets, topic });
    };
    await issue(context.quick ? 200 : 1_000);
    return () => issue(context.quick ? 500 : 8_000);
  },
});

/** Spread evenly, all of one campaign. */
async function fillTopic({ brokers }: Kafka, topic: string, count: number): Promise<void> {
  const producer = openProducer(serverAt(brokers.join(',')), 'bench');
  try {
    for (let from = 0; from < count; from += FILL_BATCH) {
      const messages = Array.from({ length: Math.min(FILL_BATCH, count - from) }, (_, at) => {
        const value = JSON.stringify({ campaign: topic, user: `${topic}-${from + at}`, at: Date.now() });
        return {
          topic,
          partition: (from + at) % PARTITIONS,
          key: Buffer.from(`${from + at}`),
          value: Buffer.from(value),
        };
      });
      await producer.send({ messages });
    }
  } finally {
    await producer.close();
  }
}
