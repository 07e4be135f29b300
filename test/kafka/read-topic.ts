// All that a topic has, read without a group.
import { Consumer } from '@platformatic/kafka';

const FETCH_BYTES = 4_194_304;

interface FoundRecord {
  partition: number;
  value: Buffer;
  /** When the broker had it, ms since the epoch, where the topic has `message.timestamp.type=LogAppendTime`. */
  appendedAt: number;
}

/** The records of all partitions as they are when it begins, in order of offset within each. */
export async function readTopic(brokers: string[], topic: string): Promise<FoundRecord[]> {
  const consumer = new Consumer({ clientId: 'sluice-test-reader', groupId: 'unused', bootstrapBrokers: brokers });
  consumer.topics.trackAll(topic);
  try {
    const { id, partitions } = (await consumer.metadata({ topics: [topic] })).topics.get(topic)!;
    const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic)!;
    const next = (await consumer.listOffsets({ topics: [topic], timestamp: -2n })).get(topic)!;
    const found: FoundRecord[] = [];
    for (const [partition, end] of ends.entries()) {
      while (next[partition]! < end) {
        const wanted = { partition, fetchOffset: next[partition]!, currentLeaderEpoch: -1, lastFetchedEpoch: -1 };
        const { responses } = await consumer.fetch({
          node: partitions[partition]!.leader,
          topics: [{ topicId: id, partitions: [{ ...wanted, partitionMaxBytes: FETCH_BYTES }] }],
          maxWaitTime: 500,
        });
        for (const { firstOffset, maxTimestamp, records } of responses.flatMap((one) =>
          one.partitions.flatMap((p) => p.records ?? []),
        )) {
          for (const { offsetDelta, value } of records) {
            const offset = firstOffset + BigInt(offsetDelta);
            if (offset < next[partition]! || offset >= end) continue;
            next[partition] = offset + 1n;
            found.push({ partition, value: value ?? Buffer.alloc(0), appendedAt: Number(maxTimestamp) });
          }
        }
      }
    }
    return found;
  } finally {
    await consumer.close(true);
  }
}
