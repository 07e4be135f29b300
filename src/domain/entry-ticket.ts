// A ticket read from a stream entry. The gate wrote it, but anybody with the password could have: nothing is believed.
import { EPOCH_MAX } from './epochs.ts';
import { isUserId } from './ids.ts';

type Fields = Readonly<Record<string, string>>;

export type EntryTicket = { seq: number; traceparent: string } & (
  | {
      kind: 'ticket';
      /** 0 where none was left for a restored ticket. */
      unit: number;
      user: string;
      admittedAt: number;
      /** Of the ticket as it was signed: its seq is another one than the entry's where its place was lost and restored. */
      epoch: number;
      ticketSeq: number;
    }
  | { kind: 'malformed'; raw: string }
);

const RAW_CHARS_MAX = 2_000;

export function readEntry({ seq, fields }: { seq: number; fields: Fields }): EntryTicket {
  const restoredSeq = positiveInteger(fields.ticket_seq);
  const unit = restoredSeq !== undefined && fields.unit === '0' ? 0 : positiveInteger(fields.unit);
  const epoch = fields.epoch === undefined ? 1 : positiveInteger(fields.epoch);
  const admittedAt = positiveInteger(fields.admitted_at);
  const user = fields.user;
  const traceparent = fields.traceparent ?? '';
  const isNumbered = unit !== undefined && unit <= 0xffff_ffff && epoch !== undefined && epoch <= EPOCH_MAX;
  if (!isNumbered || admittedAt === undefined || user === undefined || !isUserId(user)) {
    return { kind: 'malformed', seq, traceparent: '', raw: JSON.stringify(fields).slice(0, RAW_CHARS_MAX) };
  }
  return { kind: 'ticket', seq, traceparent, unit, user, admittedAt, epoch, ticketSeq: restoredSeq ?? seq };
}

function positiveInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9][0-9]{0,15}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
