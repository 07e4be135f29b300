// Names that come from outside, and what they become inside. Nothing a user typed is ever part of a Redis key.
import { hash } from 'node:crypto';

export const CAMPAIGN_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** Printable ASCII without leading or trailing space; 1 to 128 characters. */
const USER_ID = /^[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?$/;

export const isCampaignId = (value: string): boolean => CAMPAIGN_ID.test(value);
export const isUserId = (value: string): boolean => USER_ID.test(value);

/** Bytes of a user tag: 96 bits, so that two of 10⁹ users share one with a chance of about 10⁻¹¹. */
export const TAG_BYTES = 12;
/** The same in base64url characters. */
const TAG_CHARS = 16;

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
