// Asks Kafka what the way of the tickets rests on. Each question by itself may be forbidden: the others are answered also then.
import type { KafkaConfig } from '../config/kafka.ts';
import type { Obstacle } from '../domain/obstacle.ts';
import { openAdmin } from '../kafka/clients.ts';
import { type GroupLag, readLag } from '../kafka/lag.ts';
import { type AdvertisedBroker, readAdvertised } from '../kafka/listeners.ts';
import { kafkaObstacle } from '../kafka/obstacles.ts';
import { groupState, type Rights, topicRights } from '../kafka/rights.ts';
import type { TopicFacts } from '../kafka/topic-rules.ts';
import { readTopic } from '../kafka/topics.ts';
import { type Fact, factOf } from './finding.ts';

export interface KafkaFacts {
  brokers: AdvertisedBroker[];
  /** Undefined for a topic that is not there, as for its rights. */
  topic: Fact<TopicFacts | undefined>;
  topicRights: Fact<Set<Rights['topic']> | undefined>;
  group: Fact<{ rights: Set<Rights['group']>; members: number | undefined }>;
  lag: Fact<GroupLag>;
  /** The topic that tells other services; undefined where none is told. */
  issuances: Pick<KafkaFacts, 'topic' | 'topicRights'> | undefined;
}

/** The facts, or what is in the way to every broker. Never rejects. */
export async function gatherKafkaFacts(kafka: KafkaConfig): Promise<KafkaFacts | Obstacle> {
  const admin = openAdmin(kafka, 'sluice-doctor');
  try {
    const brokers = await readAdvertised(admin);
    const { topic, group, issuancesTopic } = kafka;
    // One after the other: a wait for a broker that is away is then one, not five at a time.
    return {
      brokers,
      ...(await topicFacts(admin, topic)),
      group: await factOf(() => groupState(admin, group)),
      lag: await factOf(() => readLag(admin, topic, group)),
      issuances: issuancesTopic === undefined ? undefined : await topicFacts(admin, issuancesTopic),
    };
  } catch (error) {
    return kafkaObstacle(error);
  } finally {
    await admin.close().catch(() => undefined);
  }
}

async function topicFacts(
  admin: ReturnType<typeof openAdmin>,
  topic: string,
): Promise<Pick<KafkaFacts, 'topic' | 'topicRights'>> {
  return {
    topic: await factOf(() => readTopic(admin, topic)),
    topicRights: await factOf(() => topicRights(admin, topic)),
  };
}
