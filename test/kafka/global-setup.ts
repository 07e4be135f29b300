// One broker for the whole run: its own, or that of KAFKA_BROKERS.
import type { TestProject } from 'vitest/node';
import { startKafka } from './broker.ts';

/** Starts the broker and tells the tests where it is. Returns the teardown. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.KAFKA_BROKERS?.split(',').map((broker) => broker.trim());
  if (given !== undefined) {
    project.provide('kafkaBrokers', given);
    return async () => undefined;
  }
  const kafka = await startKafka();
  project.provide('kafkaBrokers', kafka.brokers);
  return () => kafka.stop();
}
