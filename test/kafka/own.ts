// What a test on Kafka takes for its own: a topic on the broker of the run, or brokers that it may kill.
import { Admin } from '@platformatic/kafka';
import { inject, type TestContext } from 'vitest';
import { uniqueName } from '../helpers/own-names.ts';
import { type Kafka, type KafkaOptions, startKafka } from './broker.ts';
import { kafkaPrograms } from './jars.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    kafkaBrokers: string[];
  }
}

/** `host:port` of the broker of the run, which other files use too: never killed. */
export const kafkaBrokers = (): string[] => inject('kafkaBrokers');

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
  return topic;
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
