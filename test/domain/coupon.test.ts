import { expect, test } from 'vitest';
import { CODE_CHARS, couponCode } from '../../src/domain/coupon.ts';
import { userTag } from '../../src/domain/ids.ts';

const KEY = Buffer.alloc(32, 1);
const ANN = userTag('spring-sale', 'ann');

test('100,000 units have 100,000 codes of 16 characters that nobody misreads', () => {
  const codes = new Set<string>();
  const seen = Array.from({ length: CODE_CHARS }, () => new Set<string>());
  for (let unit = 1; unit <= 100_000; unit += 1) {
    const code = couponCode(KEY, 'spring-sale', unit, ANN);
    codes.add(code);
    for (let at = 0; at < CODE_CHARS; at += 1) seen[at]!.add(code[at]!);
  }
  expect(codes.size).toBe(100_000);
  // Every position uses the whole alphabet, and nothing beside it.
  for (const characters of seen) expect([...characters].toSorted().join('')).toBe('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
});

test('a code follows from key, campaign, unit and holder alone', () => {
  const code = couponCode(KEY, 'spring-sale', 7, ANN);
  expect(couponCode(Buffer.from(KEY), 'spring-sale', 7, ANN)).toBe(code);
  // Codes that were issued stay what they are: this one is written down.
  expect(code).toBe('3PJYGRM4PTFZVGDG');
  const others = [
    couponCode(Buffer.alloc(32, 2), 'spring-sale', 7, ANN),
    couponCode(KEY, 'sale', 7, ANN),
    couponCode(KEY, 'spring-sale', 8, ANN),
    couponCode(KEY, 'spring-sale', 7, userTag('spring-sale', 'bob')),
  ];
  expect(new Set([code, ...others]).size).toBe(5);
  expect(couponCode(KEY, 'sale1', 1, ANN)).not.toBe(couponCode(KEY, 'sale', 11, ANN));
  expect(couponCode(KEY, 'sale', 1, `1${ANN}`)).not.toBe(couponCode(KEY, 'sale', 11, ANN));
});
