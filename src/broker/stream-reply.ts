// The shape of XREADGROUP's and XAUTOCLAIM's entries, read without trust: a body may be missing or odd.
import { seqOf } from '../domain/shard.ts';
import type { Entry } from './port.ts';

export type RawEntry = [id: string, fields: string[] | null];
export type RawStreams = [stream: string, entries: RawEntry[]][];

/** Entries by the index of their stream in `streams`; a body that was trimmed away becomes an entry without fields. */
export function readReply(reply: RawStreams | null, streams: readonly string[]): { index: number; entries: Entry[] }[] {
  if (reply === null) return [];
  return reply.map(([stream, raw]) => ({
    index: streams.indexOf(stream),
    entries: raw.map(([id, fields]) => ({ seq: seqOf(id), fields: fields === null ? {} : pairs(fields) })),
  }));
}

function pairs(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i]!] = flat[i + 1]!;
  return fields;
}
