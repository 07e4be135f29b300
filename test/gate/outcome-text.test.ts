import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Exceptional } from '../../src/domain/ticket-state.ts';
import {
  decodeOutcome,
  encodeOutcome,
  readCancelAnswer,
  readOutcome,
  readRedriveAnswer,
} from '../../src/gate/redis/outcome-text.ts';

const outcome: fc.Arbitrary<Exceptional> = fc.oneof(
  fc.record({ status: fc.constant('issued-renumbered' as const), unit: fc.integer({ min: 1, max: 2 ** 32 - 1 }) }),
  fc.record({ status: fc.constant('failed' as const), reason: fc.string() }),
  fc.constant({ status: 'retrying' as const }),
  fc.constant({ status: 'cancelling' as const }),
  fc.constant({ status: 'cancelled' as const }),
);

test('an outcome is read as it was written, whatever its reason holds', () => {
  fc.assert(
    fc.property(outcome, (given) => {
      expect(decodeOutcome(encodeOutcome(given))).toEqual(given);
      expect(readOutcome(encodeOutcome(given))).toEqual(given);
    }),
  );
});

test.for([
  ['issued:7', { status: 'issued-renumbered', unit: 7 }],
  ['retrying:', { status: 'retrying' }],
  ['cancelling:', { status: 'cancelling' }],
  ['failed:rejected', { status: 'failed', reason: 'rejected' }],
  ['cancelled:', { status: 'cancelled' }],
] as const)('the text %s that a live gate holds keeps its meaning', ([text, meaning]) => {
  expect(decodeOutcome(text)).toEqual(meaning);
  expect(encodeOutcome(meaning)).toBe(text);
});

test('what a script calls settled is a ticket issued as promised', () => {
  expect(readOutcome('settled')).toEqual({ status: 'issued-as-promised' });
  expect(readCancelAnswer('settled')).toBe('issued-as-promised');
  expect(readCancelAnswer('issued')).toBe('issued-renumbered');
  expect(readRedriveAnswer('issued')).toBe('issued-renumbered');
});

const NOT_OUTCOMES = [
  ...['', 'issued', 'issued:', 'issued:0', 'issued:-1', 'issued:1.5', 'issued:0x10', 'issued:1e3'],
  ...['queued:', 'settled:', 'issued-renumbered:7', 'nonsense', ':', 'Issued:1'],
];
test.for(NOT_OUTCOMES)('the text %j is no outcome, and no guess is made', (text) => {
  const unreadable = { code: 'corrupt-state', message: expect.stringContaining('unreadable outcome') };
  expect(() => decodeOutcome(text)).toThrow(expect.objectContaining(unreadable));
});

test.for(['', 'queued', 'waiting', 'issued-as-promised'])('the text %j is no answer of a script', (text) => {
  for (const read of [readCancelAnswer, readRedriveAnswer]) {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'corrupt-state' }));
  }
});
