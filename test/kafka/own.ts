// What a test on Kafka takes for its own: a topic on the broker of the run, or brokers that it may kill.
import { Admin, Producer } from '@platformatic/kafka';
import { inject, type TestContext } from 'vitest';
import type { KafkaServer } from '../../src/kafka/clients.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { until } from '../helpers/until.ts';
import { type Kafka, type KafkaOptions, startKafka } from './broker.ts';
import { kafkaPrograms } from './jars.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    kafkaBrokers: string[];
  }
}

/** `host:port` of the broker of the run, which other files use too: never killed. */
export const kafkaBrokers = (): string[] => inject('kafkaBrokers');

/** Brokers as the configuration names them, without TLS and SASL unless `access` says how. */
export const serverAt = (brokers = kafkaBrokers(), access: Partial<KafkaServer> = {}): KafkaServer => ({
  brokers: brokers.map((broker) => {
    const [, host, port] = /^(.*):(\d+)$/.exec(broker)!;
    return { host: host!, port: Number(port) };
  }),
  tls: undefined,
  sasl: undefined,
  ...access,
});

/** A topic with a name of its own; on the broker of the run unless `brokers` says where. Deleted when the test ends. */
export async function ownTopic(
  t: TestContext,
  { brokers = kafkaBrokers(), partitions = 1, replicas = 1 } = {},
): Promise<string> {
  const topic = uniqueName('topic');
  const admin = new Admin({ clientId: 'sluice-test-topics', bootstrapBrokers: brokers });
  // Before the topic, so that a test which fails closes the connections as well.
  t.onTestFinished(async () => {
    // The test may have stopped its brokers.
    await admin.deleteTopics({ topics: [topic] }).catch(() => undefined);
    await admin.close();
  });
  await admin.createTopics({ topics: [topic], partitions, replicas });
  await untilProducersMayStart(brokers);
  return topic;
}

/** A broker that has just started refuses the ids of idempotent producers for some seconds. */
async function untilProducersMayStart(bootstrapBrokers: string[]): Promise<void> {
  const producer = new Producer({ clientId: 'sluice-test-start', bootstrapBrokers, retries: 0 });
  const starts = async () =>
    producer.initIdempotentProducer({}).then(
      () => true,
      () => false,
    );
  try {
    await until('a broker that takes idempotent producers', starts);
  } finally {
    await producer.close();
  }
}

/** Brokers of the test's own, gone when it ends. The test is skipped where no broker can be started (see ./jars.ts). */
export async function ownKafka(t: TestContext, options: KafkaOptions = {}): Promise<Kafka> {
  try {
    kafkaPrograms();
  } catch (error) {
    t.skip((error as Error).message);
  }
  const kafka = await startKafka(options);
  t.onTestFinished(() => kafka.stop());
  return kafka;
}
