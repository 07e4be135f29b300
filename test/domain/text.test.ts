import { expect, test } from 'vitest';
import { codePointCount, visible, visibleJson, visibleLines } from '../../src/domain/text.ts';

test.for([
  ['a right-to-left override', 'gnp.\u202Eexe', 'gnp.\\u{202E}exe'],
  ['an isolate', '\u2066a\u2069', '\\u{2066}a\\u{2069}'],
  ['a zero-width space', 'a\u200Bb', 'a\\u{200B}b'],
  ['a byte order mark', '\uFEFFa', '\\u{FEFF}a'],
  ['a soft hyphen', 'a\u00ADb', 'a\\u{00AD}b'],
  ['a Hangul filler', '\u3164', '\\u{3164}'],
  ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
  ['an ANSI escape', '\u001B[31mred', '\\u{001B}[31mred'],
  ['a C1 control sequence', '\u009B31m', '\\u{009B}31m'],
  ['a line feed', 'a\nb', 'a\\u{000A}b'],
  ['a lone surrogate', 'a\uD800b', 'a\\u{D800}b'],
  ['a tag character', 'a\u{E0041}', 'a\\u{E0041}'],
] as const)('%s is shown instead of obeyed', ([, text, shown]) => {
  expect(visible(text)).toBe(shown);
});

test.for(['봄 세일', 'été', 'e\u0301te\u0301', 'שלום', '👨‍👩‍👧', '❤️', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '1️⃣', 'C:\\temp'])(
  '%s stays as it is',
  (text) => {
    expect(visible(text)).toBe(text);
  },
);

test('lines stay lines, and JSON means the same', () => {
  expect(visibleLines('a\nb\u202E\n')).toBe('a\nb\\u{202E}\n');
  const value = { name: '\u202E👨‍👩‍👧\u{E0041}\u009B\n' };
  expect(JSON.parse(visibleJson(value))).toEqual(value);
  expect(visibleJson(value)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test('an emoji is one of the characters that a name may have', () => {
  expect(codePointCount('🎉'.repeat(101))).toBe(101);
});
