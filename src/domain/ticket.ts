// The ticket is a signed receipt: `<payload>.<mac>`, base64url, deterministic, checked without I/O.
//
// payload = format(1) keyId(1) epoch(2) seq(6) unit(4) admittedAt(6) hiddenTag(12) campaign(rest), big-endian
// mac     = HMAC-SHA-256(key, payload text), first 16 bytes (truncation: RFC 2104 §5)
// The user tag is a plain hash, from which a phone number can be guessed. So a text carries it hidden: exclusive-or with
// HMAC-SHA-256(key, "tag" NUL the payload without it), first 12 bytes. No payload text has a NUL, so no MAC is a mask.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { base64Value, CAMPAIGN_ID, TAG_BYTES } from './ids.ts';

export interface Ticket {
  campaign: string;
  epoch: number;
  seq: number;
  unit: number;
  /** Epoch ms by Redis's clock. */
  admittedAt: number;
  /** 16 base64url characters; see `userTag`. */
  tag: string;
}

/**
 * Signing keys by id (0–255); all of them check. `current` signs, until one of `successors`, newest first, takes over:
 * which key signs a ticket follows from its own `admittedAt` alone, so that asking again gives the same text for ever.
 */
export interface TicketKeys {
  current: number;
  keys: ReadonlyMap<number, Buffer>;
  successors?: readonly { id: number; fromMs: number }[];
}

const FORMAT = 2;
/** Of texts that carried the tag as it is: they are still taken. */
const PLAIN_FORMAT = 1;
const TAG_AT = 20;
const FIXED_BYTES = TAG_AT + TAG_BYTES;
const MAC_CHARS = 22;
/** Longest ticket text: 95 payload bytes, a dot and the MAC. Longer input is not looked at. */
const TICKET_CHARS_MAX = 150;

export function signTicket(keys: TicketKeys, ticket: Ticket): string {
  const payload = Buffer.allocUnsafe(FIXED_BYTES + ticket.campaign.length);
  payload[0] = FORMAT;
  const keyId = signerOf(keys, ticket.admittedAt);
  payload[1] = keyId;
  payload.writeUInt16BE(ticket.epoch, 2);
  payload.writeUIntBE(ticket.seq, 4, 6);
  payload.writeUInt32BE(ticket.unit, 10);
  payload.writeUIntBE(ticket.admittedAt, 14, 6);
  payload.write(ticket.tag, TAG_AT, 'base64url');
  payload.write(ticket.campaign, FIXED_BYTES, 'latin1');
  const key = keyOf(keys, keyId);
  mask(key, payload);
  const text = payload.toString('base64url');
  return `${text}.${macOf(key, text)}`;
}

/**
 * The ticket, or undefined when it is forged, truncated, altered or signed with a key we no longer hold, or with one that
 * did not sign at the time of its admission: who has stolen an old key makes no new tickets with it.
 */
export function verifyTicket(keys: TicketKeys, text: string): Ticket | undefined {
  if (text.length > TICKET_CHARS_MAX) return undefined;
  const dot = text.length - MAC_CHARS - 1;
  if (dot < 1 || text[dot] !== '.') return undefined;
  const payloadText = text.slice(0, dot);
  const payload = Buffer.from(payloadText, 'base64url');
  if (payload.length <= FIXED_BYTES || (payload[0] !== FORMAT && payload[0] !== PLAIN_FORMAT)) return undefined;
  const key = keys.keys.get(payload[1]!);
  if (key === undefined) return undefined;
  const mac = Buffer.from(text.slice(dot + 1));
  const expected = Buffer.from(macOf(key, payloadText));
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return undefined;
  const campaign = payload.toString('latin1', FIXED_BYTES);
  const admittedAt = payload.readUIntBE(14, 6);
  if (!CAMPAIGN_ID.test(campaign) || signerOf(keys, admittedAt) !== payload[1]) return undefined;
  if (payload[0] === FORMAT) mask(key, payload);
  return {
    campaign,
    epoch: payload.readUInt16BE(2),
    seq: payload.readUIntBE(4, 6),
    unit: payload.readUInt32BE(10),
    admittedAt,
    tag: payload.toString('base64url', TAG_AT, FIXED_BYTES),
  };
}

function signerOf({ current, successors }: TicketKeys, admittedAt: number): number {
  return successors?.find(({ fromMs }) => fromMs <= admittedAt)?.id ?? current;
}

/** Hides the tag of a payload in place, or shows a hidden one. */
function mask(key: Buffer, payload: Buffer): void {
  const rest = createHmac('sha256', key).update('tag\0').update(payload.subarray(0, TAG_AT));
  const bits = rest.update(payload.subarray(FIXED_BYTES)).digest();
  for (let i = 0; i < TAG_BYTES; i += 1) payload[TAG_AT + i]! ^= bits[i]!;
}

/** 128 bits: 21 characters of the digest and the first two bits of the next. Its bytes would cost as much again as itself. */
function macOf(key: Buffer, text: string): string {
  const digest = createHmac('sha256', key).update(text).digest('base64url');
  return digest.slice(0, MAC_CHARS - 1) + 'AQgw'[base64Value(digest.charCodeAt(MAC_CHARS - 1)) >> 4]!;
}

function keyOf(keys: TicketKeys, id: number): Buffer {
  const key = keys.keys.get(id);
  if (key === undefined) throw new Error(`no ticket signing key with id ${id}`);
  return key;
}
