// The shape of XREADGROUP's and XAUTOCLAIM's entries, read without trust: a body may be missing or odd.
import { isEntryId, seqOf } from '../domain/shard.ts';
import { pairs } from '../redis/entry-fields.ts';
import type { Entry } from './port.ts';

export type RawEntry = [id: string, fields: string[] | null];
export type RawStreams = [stream: string, entries: RawEntry[]][];

interface Found {
  /** Of the stream in `streams`. */
  index: number;
  entries: Entry[];
  foreignIds: string[];
}

/** What was found in each stream; a body that was trimmed away becomes an entry without fields. */
export function readReply(reply: RawStreams | null, streams: readonly string[]): Found[] {
  return (reply ?? []).map(([stream, raw]) => ({
    index: streams.indexOf(stream),
    entries: raw
      .filter(([id]) => isEntryId(id))
      .map(([id, fields]) => ({ seq: seqOf(id), fields: fields === null ? {} : pairs(fields) })),
    foreignIds: raw.map(([id]) => id).filter((id) => !isEntryId(id)),
  }));
}
