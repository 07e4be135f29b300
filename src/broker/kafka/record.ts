// A ticket as a Kafka record: what it is of, and the entry of the gate as it was written. Whoever reads it believes nothing.
import { crc32 } from 'node:zlib';
import { isCampaignId } from '../../domain/ids.ts';
import { SEQ_MAX } from '../../domain/shard.ts';
import type { Entry } from '../port.ts';

/** An entry and where it comes from. */
export interface CarriedEntry {
  campaign: string;
  /** Of the gate that gave it out. */
  epoch: number;
  shard: number;
  entry: Entry;
}

/** Puts records into the topic: once all of them are on as many brokers as the topic asks for, it resolves. */
export type SendRecords = (carried: readonly CarriedEntry[]) => Promise<void>;

/** A later version may carry several tickets in one record; a worker that does not know a version leaves the record to the relay. */
const VERSION = 1;

/** The entries of a shard keep their order, because they are all in one partition of `partitions`. */
export const partitionOf = (campaign: string, shard: number, partitions: number): number =>
  (crc32(campaign) + shard) % partitions;

/** JSON: `{"v":1,"campaign":"…","epoch":3,"shard":0,"seq":17,"fields":{…}}`. */
export function encodeRecord({ campaign, epoch, shard, entry: { seq, fields } }: CarriedEntry): Buffer {
  return Buffer.from(JSON.stringify({ v: VERSION, campaign, epoch, shard, seq, fields }));
}

/** Undefined for what is none: another program's record, or one of a version that this worker does not know. */
export function decodeRecord(value: Buffer | null): CarriedEntry | undefined {
  const read = parse(value);
  if (read === undefined || read.v !== VERSION) return undefined;
  const { campaign, epoch, shard, seq, fields } = read;
  const isOurs =
    typeof campaign === 'string' &&
    isCampaignId(campaign) &&
    isCount(epoch) &&
    isIndex(shard) &&
    isCount(seq) &&
    seq <= SEQ_MAX &&
    isTexts(fields);
  return isOurs ? { campaign, epoch, shard, entry: { seq, fields } } : undefined;
}

function parse(value: Buffer | null): Record<string, unknown> | undefined {
  if (value === null) return undefined;
  try {
    const read: unknown = JSON.parse(value.toString());
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
