// The shape of XREADGROUP's and XAUTOCLAIM's entries, read without trust: a body may be missing or odd.
import { seqOf } from '../domain/shard.ts';
import type { Entry } from './port.ts';

export type RawEntry = [id: string, fields: string[] | null];
export type RawStreams = [stream: string, entries: RawEntry[]][];

interface Found {
  /** Of the stream in `streams`. */
  index: number;
  entries: Entry[];
  foreignIds: string[];
}

/** The ids a gate gives: `<seq>-0`. */
const GATE_ID = /^[1-9][0-9]{0,14}-0$/;

/** What was found in each stream; a body that was trimmed away becomes an entry without fields. */
export function readReply(reply: RawStreams | null, streams: readonly string[]): Found[] {
  return (reply ?? []).map(([stream, raw]) => ({
    index: streams.indexOf(stream),
    entries: raw
      .filter(([id]) => GATE_ID.test(id))
      .map(([id, fields]) => ({ seq: seqOf(id), fields: fields === null ? {} : pairs(fields) })),
    foreignIds: raw.map(([id]) => id).filter((id) => !GATE_ID.test(id)),
  }));
}

function pairs(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i]!] = flat[i + 1]!;
  return fields;
}
