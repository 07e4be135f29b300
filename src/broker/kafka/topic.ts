// The topic of tickets, as the relay writes it.
import type { Producer } from '@platformatic/kafka';
import { limits } from '../../process/limits.ts';
import { type Block, encodeBlock, partitionOf, type SendBlocks } from './record.ts';

/** All replicas that are in sync have a record before it counts as sent. */
const ALL_IN_SYNC = -1;

/** What Kafka writes beside the value of a record without a key, in bytes, at most. */
const RECORD_OVERHEAD_BYTES = 32;

/** `producer` is idempotent: what it sends again within one call is in the topic once. */
export function createSender(producer: Producer, topic: string, sealKey: Buffer): SendBlocks {
  return async (blocks) => {
    const { topics } = await producer.metadata({ topics: [topic] });
    const { partitionsCount } = topics.get(topic)!;
    const messages = blocks.flatMap((block) => {
      const partition = partitionOf(block.campaign, block.shard, partitionsCount);
      return valuesOf(block, sealKey, limits.kafkaRecordBytesMax).map((value) => ({ topic, partition, value }));
    });
    for (const round of roundsOf(messages, limits.kafkaSendBytesMax)) {
      await producer.send({ messages: round, idempotent: true, acks: ALL_IN_SYNC });
    }
  };
}

/**
 * As few records as hold the block with at most `bytesMax` each. An entry that is larger by itself is none of the gate's: it
 * goes without its fields, and the worker keeps it as malformed.
 */
export function valuesOf(block: Block, sealKey: Buffer, bytesMax: number): Buffer[] {
  const value = encodeBlock(block, sealKey);
  if (value.length <= bytesMax) return [value];
  const { entries } = block;
  if (entries.length === 1)
    return [encodeBlock({ ...block, entries: [{ seq: entries[0]!.seq, fields: {} }] }, sealKey)];
  const half = entries.length >> 1;
  return [entries.slice(0, half), entries.slice(half)].flatMap((part) =>
    valuesOf({ ...block, entries: part }, sealKey, bytesMax),
  );
}

/**
 * In their order, and in each round at most `bytesMax` of a partition, or one record that is larger: the client makes one
 * batch of what a call has for a partition, and Kafka refuses a batch that is larger than its `max.message.bytes`.
 */
export function* roundsOf<M extends { partition: number; value: Buffer }>(
  messages: readonly M[],
  bytesMax: number,
): Generator<M[]> {
  let round: M[] = [];
  let bytes = new Map<number, number>();
  for (const message of messages) {
    const { partition, value } = message;
    const own = value.length + RECORD_OVERHEAD_BYTES;
    const before = bytes.get(partition) ?? 0;
    if (before > 0 && before + own > bytesMax) {
      yield round;
      round = [];
      bytes = new Map();
    }
    bytes.set(partition, (bytes.get(partition) ?? 0) + own);
    round.push(message);
  }
  if (round.length > 0) yield round;
}
