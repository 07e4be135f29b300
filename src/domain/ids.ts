// Names that come from outside, and what they become inside. Nothing a user typed is ever part of a Redis key.
import { hash } from 'node:crypto';

export const CAMPAIGN_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
export const CAMPAIGN_ID_RULE = '1 to 63 of a-z, 0-9 and -, and does not start with -';
/** Most user ids are this: one pattern is all that a join pays for them. */
const ASCII_USER_ID = /^[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?$/;
/** No control characters, line ends, lone surrogates, and no U+FFFD, which stands for a character that somebody lost. */
const USER_ID = /^(?!\s)[^\p{Cc}\p{Cs}\u2028\u2029\ufffd]+(?<!\s)$/u;
/** The ledger's column holds as many characters; in bytes, so that a batch of the longest ids has a known size. */
const USER_ID_BYTES_MAX = 128;
/** For messages, behind "takes". */
export const USER_ID_RULE = `1 to ${USER_ID_BYTES_MAX} bytes of UTF-8 without control characters and without white space at either end`;

/** For the API's document, which cannot count bytes: every text that fits one of them is a user id. */
export const USER_ID_SCHEMAS = [
  { pattern: ASCII_USER_ID.source },
  { pattern: String.raw`^[^\s\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]+$`, maxLength: USER_ID_BYTES_MAX / 4 },
];

export const isCampaignId = (value: string): boolean => CAMPAIGN_ID.test(value);

/**
 * Any well-formed text of 1 to 128 bytes in UTF-8 within {@link USER_ID}. It is never normalised: ids are compared by
 * their code points, as identity providers compare them (RFC 7519, StringOrURI).
 */
export function isUserId(value: string): boolean {
  if (ASCII_USER_ID.test(value)) return true;
  return value.length <= USER_ID_BYTES_MAX && USER_ID.test(value) && Buffer.byteLength(value) <= USER_ID_BYTES_MAX;
}

/** Bytes of a user tag: 96 bits, so that two of 10⁹ users share one with a chance of about 10⁻¹¹. */
export const TAG_BYTES = 12;
/** The same in base64url characters. */
export const TAG_CHARS = 16;

/**
 * The tag of a user within a campaign: 16 base64url characters of SHA-256 over the length-safe pair.
 * A campaign id has no NUL, so no two pairs share an input.
 */
export function userTag(campaign: string, user: string): string {
  return hash('sha256', `${campaign}\0${user}`, 'base64url').slice(0, TAG_CHARS);
}

/** The dedupe bucket of a tag, 0 to `buckets` − 1: its first 30 bits modulo the number of buckets. */
export function bucketOf(tag: string, buckets: number): number {
  let bits = 0;
  for (let i = 0; i < 5; i += 1) bits = bits * 64 + base64Value(tag.charCodeAt(i));
  return bits % buckets;
}

/** The six bits that a character of base64url stands for. */
export function base64Value(code: number): number {
  if (code >= 97) return code - 71; // a–z
  if (code === 95) return 63; // _
  if (code >= 65) return code - 65; // A–Z
  if (code >= 48) return code + 4; // 0–9
  return 62; // -
}
