// Opens what a worker takes of Kafka, in the order in which it closes backwards.
import { createSender } from '../broker/kafka/topic.ts';
import type { KafkaParts } from '../composition/worker-parts.ts';
import type { KafkaConfig } from '../config/kafka.ts';
import { openAdmin, openMember, openProducer } from '../kafka/clients.ts';
import { createPublisher } from '../kafka/issuances.ts';
import { readCommitted, readEnds } from '../kafka/lag.ts';
import { ensureTopic } from '../kafka/topics.ts';
import type { Publish } from '../outbox/port.ts';
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

/** Tells other services through a topic of their own, which is created or refused as that of tickets. */
export async function openIssuances(
  { kafka, environmentName }: { kafka: KafkaConfig | undefined; environmentName: string | undefined },
  { name, log }: { name: string; log: Log },
  open: AsyncDisposableStack,
): Promise<Publish> {
  const topic = kafka!.issuancesTopic!;
  const admin = openAdmin(kafka!, `sluice-admin:${name}`);
  try {
    await ensureTopic(admin, { ...kafka!, topic }, log);
  } finally {
    await admin.close();
  }
  const producer = open.adopt(openProducer(kafka!, `sluice-publisher:${name}`), (client) => client.close());
  return createPublisher(producer, topic, environmentName === undefined ? '/sluice' : `/sluice/${environmentName}`);
}
