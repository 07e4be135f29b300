// The coupon code of a unit is derived, so that telling it needs no database; the ledger stores it to be searched by.
// It takes the holder in: a unit that came back is sold again, and who gave it back still knows their code.
import { createHmac } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'; // Crockford base 32: no I, L, O, U
export const CODE_CHARS = 16;

/**
 * 16 characters, 80 bits: HMAC-SHA-256 of (campaign, unit, holder) with the coupon key. `tag` is the holder's `userTag`.
 * The same unit has the same code for the same holder, for ever.
 */
export function couponCode(key: Buffer, campaign: string, unit: number, tag: string): string {
  // As text: a digest as bytes costs half as much again.
  const mac = createHmac('sha256', key).update(`${campaign}\0${unit}\0${tag}`).digest('latin1');
  let code = '';
  for (let i = 0; i < CODE_CHARS; i += 1) {
    const bit = i * 5;
    const pair = (mac.charCodeAt(bit >> 3) << 8) | mac.charCodeAt((bit >> 3) + 1);
    code += ALPHABET[(pair >> (11 - (bit & 7))) & 31];
  }
  return code;
}
