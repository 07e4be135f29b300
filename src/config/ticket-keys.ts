// TICKET_KEYS: `id:key`, more after commas; each but the oldest says from when it signs, `2:<hex>@2026-12-01T00:00:00Z`.
import { z } from 'zod';
import { parseInstant } from '../domain/instant.ts';
import type { TicketKeys } from '../domain/ticket.ts';

const KEY = /^(\d{1,3}):([0-9a-f]{64})(?:@(.+))?$/i;
const FORM =
  'takes id:64-hex-digits, several with commas between; every key except the oldest needs the time from which it signs: id:hex@time';

/** The keys of a text; an unclear one is refused, for two fronts that read it differently would sign differently. */
export const ticketKeys = z.string().transform((text, context): TicketKeys => {
  const refuse = (message: string): never => {
    // Never with the value: it is a secret.
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  const parts = text.split(',').map((part) => KEY.exec(part));
  if (parts.some((part) => part === null)) return refuse(FORM);
  const given = parts.map((part) => ({ id: Number(part![1]), key: Buffer.from(part![2]!, 'hex'), from: part![3] }));
  if (given.some(({ id }) => id > 255)) return refuse('takes ids from 0 to 255');
  if (new Set(given.map(({ id }) => id)).size < given.length) return refuse('has two keys with the same id');
  if (given.some(({ from }) => from !== undefined && parseInstant(from) === undefined)) {
    return refuse('takes times as 2026-12-01T00:00:00Z');
  }
  const untimed = given.filter(({ from }) => from === undefined);
  if (untimed.length !== 1) {
    return refuse(
      `needs exactly one key without a time, the oldest, and has ${untimed.length}; Sluice cannot know which key signs`,
    );
  }
  const successors = given
    .filter(({ from }) => from !== undefined)
    .map(({ id, from }) => ({ id, fromMs: parseInstant(from!)! }))
    .toSorted((a, b) => b.fromMs - a.fromMs);
  if (new Set(successors.map(({ fromMs }) => fromMs)).size < successors.length) {
    return refuse('has two keys that sign from the same time; Sluice cannot know which key signs');
  }
  return { current: untimed[0]!.id, keys: new Map(given.map(({ id, key }) => [id, key])), successors };
});
