// A ticket read from a stream entry. The gate wrote it, but anybody with the password could have: nothing is believed.
import type { Entry } from '../src/broker/port.ts';
import { isUserId } from '../src/domain/ids.ts';

export type EntryTicket = { seq: number; traceparent: string } & (
  | { kind: 'ticket'; unit: number; user: string; admittedAt: number }
  | { kind: 'malformed'; raw: string }
);

const RAW_CHARS_MAX = 2_000;

export function readEntry({ seq, fields }: Entry): EntryTicket {
  const unit = positiveInteger(fields.unit);
  const admittedAt = positiveInteger(fields.admitted_at);
  const user = fields.user;
  const traceparent = fields.traceparent ?? '';
  if (unit === undefined || unit > 0xffff_ffff || admittedAt === undefined || user === undefined || !isUserId(user)) {
    return { kind: 'malformed', seq, traceparent: '', raw: JSON.stringify(fields).slice(0, RAW_CHARS_MAX) };
  }
  return { kind: 'ticket', seq, traceparent, unit, user, admittedAt };
}

function positiveInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9][0-9]{0,15}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
