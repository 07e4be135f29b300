// Opens what a worker takes of Kafka, in the order in which it closes backwards.
import { createSender } from '../broker/kafka/topic.ts';
import type { KafkaParts } from '../composition/worker-parts.ts';
import type { KafkaConfig } from '../config/kafka.ts';
import { openAdmin, openMember, openProducer } from '../kafka/clients.ts';
import { readCommitted, readEnds } from '../kafka/lag.ts';
import { ensureTopic } from '../kafka/topics.ts';
import type { Log } from '../telemetry/log.ts';

/** All of it closes with `open`. A RefusedStart when the topic cannot keep what tickets are promised. */
export async function openKafka(
  kafka: KafkaConfig,
  { name, log, sealKey }: { name: string; log: Log; sealKey: Buffer },
  open: AsyncDisposableStack,
): Promise<KafkaParts> {
  const { topic, group } = kafka;
  const admin = open.adopt(openAdmin(kafka, `sluice-admin:${name}`), (client) => client.close());
  await ensureTopic(admin, kafka, log);
  const producer = open.adopt(openProducer(kafka, `sluice-relay:${name}`), (client) => client.close());
  return {
    topic,
    openMember: (member) => openMember(kafka, member),
    send: createSender(producer, topic, sealKey),
    sealKey,
    ends: () => readEnds(admin, topic),
    committed: () => readCommitted(admin, topic, group),
  };
}
