// Tickets as a Kafka record: entries of one shard as the gate wrote them, sealed, so that a worker believes what a relay wrote
// and nobody else.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Batch, Entry } from '../port.ts';

/** Entries of one shard in seq order, and the epoch of the gate that gave them out. */
export type Block = Omit<Batch, 'mayBeElsewhere'>;

/** Puts entries into the topic: once all of them are on as many brokers as the topic asks for, it resolves. */
export type SendBlocks = (blocks: readonly Block[]) => Promise<void>;

/** A worker that does not know a version leaves the record to the relay of its own. */
const VERSION = 2;

/** The entries of a shard keep their order, because they are all in one partition of `partitions`. */
export const partitionOf = (campaign: string, shard: number, partitions: number): number =>
  (crc32(campaign) + shard) % partitions;

/** A line of JSON, `{"v":2,"campaign":"…","epoch":3,"shard":0,"entries":[[17,{…}],…]}`, and its seal by `key` in a second line. */
export function encodeBlock({ campaign, epoch, shard, entries }: Block, key: Buffer): Buffer {
  const content = JSON.stringify({
    v: VERSION,
    campaign,
    epoch,
    shard,
    entries: entries.map(({ seq, fields }) => [seq, fields]),
  });
  return Buffer.from(`${content}\n${sealOf(content, key).toString('base64url')}`);
}

/** Undefined for what is none: a record without the seal of `key`, or of a version that this worker does not know. */
export function decodeBlock(value: Buffer | null, key: Buffer): Block | undefined {
  const end = value?.lastIndexOf('\n') ?? -1;
  if (value === null || end < 0) return undefined;
  const content = value.subarray(0, end);
  const [seal, expected] = [Buffer.from(value.toString('latin1', end + 1), 'base64url'), sealOf(content, key)];
  if (seal.length !== expected.length || !timingSafeEqual(seal, expected)) return undefined;
  const { v, campaign, epoch, shard, entries } = JSON.parse(content.toString()) as Sealed;
  if (v !== VERSION || entries.length === 0) return undefined;
  return { campaign, epoch, shard, entries: entries.map(([seq, fields]) => ({ seq, fields })) };
}

interface Sealed extends Omit<Block, 'entries'> {
  v: number;
  entries: [seq: Entry['seq'], fields: Entry['fields']][];
}

const sealOf = (content: string | Buffer, key: Buffer): Buffer => createHmac('sha256', key).update(content).digest();
