// How far workers are behind the topic of tickets, for a person who asks now: bounded in time, and in words where it is not known.
import type { KafkaConfig } from '../config/kafka.ts';
import type { TopicLag } from '../domain/service-status.ts';
import { within } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import { openAdmin } from './clients.ts';
import { readLag } from './lag.ts';
import { isKafkaError, kafkaObstacle } from './obstacles.ts';

/** Never rejects; resolves within `limits.kafkaAskMs`, also while a broker stands still. */
export async function readTopicLag(kafka: KafkaConfig): Promise<TopicLag> {
  const { topic, group } = kafka;
  const unknown = (problem: string): TopicLag => ({ topic, group, records: null, worstRecords: null, problem });
  const admin = openAdmin(kafka, 'sluice-status');
  let found = unknown(`no broker answered within ${limits.kafkaAskMs / 1_000} s`);
  const reading = readLag(admin, topic, group).then(
    ({ records, worst }) => {
      found = { topic, group, records, worstRecords: worst, problem: null };
    },
    (error: unknown) => {
      found = unknown(problemOf(error, topic));
    },
  );
  await within(limits.kafkaAskMs, reading);
  // Not waited for: a broker that stands still does not let go of its connections either.
  void admin.close().catch(() => undefined);
  return found;
}

const problemOf = (error: unknown, topic: string): string =>
  isKafkaError(error, `Unknown topic ${topic}`) || isKafkaError(error, 'UNKNOWN_TOPIC')
    ? `there is no topic ${topic} yet; the first worker with BROKER=kafka creates it`
    : kafkaObstacle(error).what;
