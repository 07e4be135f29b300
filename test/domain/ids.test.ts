import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf, isCampaignId, isUserId, userTag } from '../../src/domain/ids.ts';

test('two pairs of campaign and user share a tag only if they are the same pair', () => {
  const campaign = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,10}$/);
  const user = fc.stringMatching(/^[!-~]{1,10}$/);
  fc.assert(
    fc.property(campaign, user, campaign, user, (a, b, c, d) => {
      expect(userTag(a, b) === userTag(c, d)).toBe(a === c && b === d);
    }),
  );
  // Names that join to the same text.
  expect(userTag('a', 'b:c')).not.toBe(userTag('a:b', 'c'));
  expect(userTag('ab', 'c')).not.toBe(userTag('a', 'bc'));
  expect(userTag('a', '')).not.toBe(userTag('', 'a'));
});

test('a tag is 16 characters that need no escape anywhere', () => {
  fc.assert(
    fc.property(fc.string(), (user) => {
      const tag = userTag('sale', user);
      expect(tag).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(tag).toHaveLength(16);
    }),
  );
});

test('100,000 users have 100,000 tags', () => {
  const tags = new Set(Array.from({ length: 100_000 }, (_, i) => userTag('sale', `user-${i}`)));
  expect(tags.size).toBe(100_000);
});

test.for([1, 16, 100, 1_112])('users spread evenly over %i buckets', (buckets) => {
  const counts = new Array<number>(buckets).fill(0);
  const users = buckets * 90;
  for (let i = 0; i < users; i += 1) counts[bucketOf(userTag('sale', `user-${i}`), buckets)]! += 1;
  expect(counts.reduce((sum, count) => sum + count)).toBe(users);
  // A mean of 90 is what the ledger plans with, so that hardly one exceeds the 128 that Redis packs tightly.
  const tooFull = counts.filter((count) => count > 128).length;
  expect(tooFull / buckets).toBeLessThan(0.01);
  const chiSquare = counts.reduce((sum, count) => sum + (count - 90) ** 2 / 90, 0);
  expect(chiSquare).toBeLessThan(buckets - 1 + 6 * Math.sqrt(2 * buckets));
});

test('the bucket of a tag is its first 30 bits modulo the buckets, as base64url counts them', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{16}$/), fc.integer({ min: 1, max: 200_000 }), (tag, buckets) => {
      let bits = 0n;
      for (const character of tag.slice(0, 5)) bits = bits * 64n + BigInt(alphabet.indexOf(character));
      expect(bucketOf(tag, buckets)).toBe(Number(bits % BigInt(buckets)));
    }),
  );
});

test.for([
  ['a', true],
  ['0', true],
  ['spring-sale-2026', true],
  ['a'.repeat(63), true],
  ['a-', true],
  ['', false],
  ['-a', false],
  ['A', false],
  ['a'.repeat(64), false],
  ['a b', false],
  ['a\n', false],
  ['{a}', false],
  ['a:b', false],
  ['ä', false],
] as const)('the campaign id %j is one: %s', ([id, good]) => expect(isCampaignId(id)).toBe(good));

test('a user id is well-formed text of 1 to 128 bytes without control characters and white space at either end', () => {
  const isLone = (text: string) => !text.isWellFormed();
  const isControl = (code: number) => code < 0x20 || (code >= 0x7f && code < 0xa0);
  const isRefused = (code: number) => isControl(code) || [0x2028, 0x2029, 0xfffd].includes(code);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('grapheme', 'binary', 'binary-ascii') as never, maxLength: 140 }),
      (text) => {
        const bytes = Buffer.byteLength(text);
        const good = bytes >= 1 && bytes <= 128 && !isLone(text) && text.trim() === text;
        expect(isUserId(text)).toBe(good && !Array.from(text, (char) => char.codePointAt(0)!).some(isRefused));
      },
    ),
  );
});

test.for(['a', 'a b', '{x}', 'a'.repeat(128), 'jürgen', '홍길동', '🛒', '가'.repeat(42), 'e\u0301', '\u202euser'])(
  '%j is a user id',
  (user) => expect(isUserId(user)).toBe(true),
);

test.for([
  '',
  ' a',
  'a ',
  'a\n',
  'a\tb',
  'a\u0085b',
  '\u3000a',
  '\ufeffa',
  'a\u2028b',
  'a\ufffd',
  '\ud800',
  'a\udc00b',
  'a'.repeat(129),
  '가'.repeat(43),
])('%j is no user id', (user) => expect(isUserId(user)).toBe(false));
