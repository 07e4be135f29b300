// Opens what a worker takes of Kafka, in the order in which it closes backwards.
import { createSender, readCommitted, readEnds } from '../broker/kafka/topic.ts';
import type { KafkaParts } from '../composition/worker-parts.ts';
import type { KafkaConfig } from '../config/kafka.ts';
import { openAdmin, openMember, openProducer } from '../kafka/clients.ts';
import { readyTopic } from '../kafka/topics.ts';
import { limits } from '../process/limits.ts';
import type { Log } from '../telemetry/log.ts';

/** All of it closes with `open`. A RefusedStart when the topic cannot keep what tickets are promised. */
export async function openKafka(
  kafka: KafkaConfig,
  { name, log }: { name: string; log: Log },
  open: AsyncDisposableStack,
): Promise<KafkaParts> {
  const { topic, group, brokers } = kafka;
  const admin = open.adopt(openAdmin(kafka, `sluice-admin:${name}`), (client) => client.close());
  const onWarning = (problem: object) => log.warn(problem, 'the topic of tickets is not as it should be');
  await readyTopic({ admin, brokers, onWarning }, kafka);
  const producer = open.adopt(openProducer(kafka, `sluice-relay:${name}`), (client) => client.close());
  const { kafkaSessionMs: sessionMs, kafkaHeartbeatMs: heartbeatMs, kafkaRebalanceMs: rebalanceMs } = limits;
  return {
    topic,
    openMember: (member) => openMember(kafka, { group, name: member, sessionMs, heartbeatMs, rebalanceMs }),
    send: createSender(producer, topic),
    ends: () => readEnds(admin, topic),
    committed: () => readCommitted(admin, topic, group),
  };
}
