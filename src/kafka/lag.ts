// How far the group of the workers is behind the topic.
import type { Admin } from '@platformatic/kafka';

const LATEST = -1n;

/** Records that the group has not committed, over all partitions, and of the partition with the most. */
export interface GroupLag {
  records: number;
  worst: number;
  partitions: number;
}

/** Throws what the client throws. */
export async function readLag(admin: Admin, topic: string, groupId: string): Promise<GroupLag> {
  const [ends, committed] = await Promise.all([readEnds(admin, topic), readCommitted(admin, topic, groupId)]);
  const lags = ends.map((end, partition) => Number(end - (committed[partition] ?? 0n)));
  return { records: lags.reduce((sum, lag) => sum + lag, 0), worst: Math.max(0, ...lags), partitions: lags.length };
}

/** By partition, the offset behind its last record. */
export async function readEnds(admin: Admin, topic: string): Promise<bigint[]> {
  const partitions = await partitionsOf(admin, topic);
  const latest = partitions.map((partitionIndex) => ({ partitionIndex, timestamp: LATEST }));
  const [found] = await admin.listOffsets({ topics: [{ name: topic, partitions: latest }] });
  return byPartition(found?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]) ?? []);
}

/** By partition, the offset that the group has committed; 0 for none. */
export async function readCommitted(admin: Admin, topic: string, groupId: string): Promise<bigint[]> {
  const partitions = await partitionsOf(admin, topic);
  const groups = await admin.listConsumerGroupOffsets({
    groups: [{ groupId, topics: [{ name: topic, partitionIndexes: partitions }] }],
  });
  const found = groups[0]?.topics.find(({ name }) => name === topic)?.partitions ?? [];
  return byPartition(found.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]));
}

async function partitionsOf(admin: Admin, topic: string): Promise<number[]> {
  const { topics } = await admin.metadata({ topics: [topic] });
  return Array.from({ length: topics.get(topic)!.partitionsCount }, (_, partition) => partition);
}

function byPartition(offsets: readonly (readonly [partition: number, offset: bigint])[]): bigint[] {
  const found: bigint[] = [];
  for (const [partition, offset] of offsets) found[partition] = offset < 0n ? 0n : offset;
  return found;
}
