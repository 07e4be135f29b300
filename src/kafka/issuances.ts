// The topic that tells other services what was issued and cancelled: a CloudEvent for each entry of the outbox, by campaign.

import { crc32 } from 'node:zlib';
import type { Producer } from '@platformatic/kafka';
import { CONTENT_TYPE, cloudEventOf } from '../outbox/cloud-event.ts';
import type { Publish } from '../outbox/port.ts';
import { limits } from '../process/limits.ts';

/** All replicas that are in sync have a record before it counts as sent. */
const ALL_IN_SYNC = -1;

/**
 * Sends entries in their order, those of a campaign to one partition. `producer` is idempotent: within one call each is in the
 * topic once.
 */
export function createPublisher(producer: Producer, topic: string, source: string): Publish {
  return async (entries) => {
    const { topics } = await producer.metadata({ topics: [topic] });
    const { partitionsCount } = topics.get(topic)!;
    const messages = entries.map((entry) => ({
      topic,
      partition: crc32(entry.campaign) % partitionsCount,
      key: Buffer.from(entry.campaign),
      value: Buffer.from(JSON.stringify(cloudEventOf(entry, source))),
      headers: new Map([[Buffer.from('content-type'), Buffer.from(CONTENT_TYPE)]]),
    }));
    for (let from = 0; from < messages.length; from += limits.outboxSendMax) {
      const part = messages.slice(from, from + limits.outboxSendMax);
      await producer.send({ messages: part, idempotent: true, acks: ALL_IN_SYNC });
    }
  };
}
