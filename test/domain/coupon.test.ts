import { expect, test } from 'vitest';
import { CODE_CHARS, couponCode } from '../../src/domain/coupon.ts';

const KEY = Buffer.alloc(32, 1);

test('100,000 units have 100,000 codes of 16 characters that nobody misreads', () => {
  const codes = new Set<string>();
  const seen = Array.from({ length: CODE_CHARS }, () => new Set<string>());
  for (let unit = 1; unit <= 100_000; unit += 1) {
    const code = couponCode(KEY, 'spring-sale', unit);
    codes.add(code);
    for (let at = 0; at < CODE_CHARS; at += 1) seen[at]!.add(code[at]!);
  }
  expect(codes.size).toBe(100_000);
  // Every position uses the whole alphabet, and nothing beside it.
  for (const characters of seen) expect([...characters].toSorted().join('')).toBe('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
});

test('a code follows from key, campaign and unit alone', () => {
  const code = couponCode(KEY, 'spring-sale', 7);
  expect(couponCode(Buffer.from(KEY), 'spring-sale', 7)).toBe(code);
  // Codes that were issued stay what they are: this one is written down.
  expect(code).toBe('BRWMEHTSCSF9RAJQ');
  const others = [
    couponCode(Buffer.alloc(32, 2), 'spring-sale', 7),
    couponCode(KEY, 'sale', 7),
    couponCode(KEY, 'spring-sale', 8),
  ];
  expect(new Set([code, ...others]).size).toBe(4);
  expect(couponCode(KEY, 'sale1', 1)).not.toBe(couponCode(KEY, 'sale', 11));
});
