import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeOutcome, type Exceptional, encodeOutcome } from '../../src/domain/outcome.ts';

const outcome: fc.Arbitrary<Exceptional> = fc.oneof(
  fc.record({ status: fc.constant('issued' as const), unit: fc.integer({ min: 1, max: 2 ** 32 - 1 }) }),
  fc.record({ status: fc.constant('failed' as const), reason: fc.string() }),
  fc.constant({ status: 'retrying' as const }),
  fc.constant({ status: 'cancelled' as const }),
);

test('an outcome is read as it was written, whatever its reason holds', () => {
  fc.assert(
    fc.property(outcome, (given) => {
      expect(decodeOutcome(encodeOutcome(given))).toEqual(given);
    }),
  );
});

test.for([
  '',
  'issued',
  'issued:',
  'issued:0',
  'issued:-1',
  'issued:1.5',
  'issued:0x10',
  'issued:1e3',
  'queued:',
  'nonsense',
  ':',
  'Issued:1',
])('the text %j is no outcome, and no guess is made', (text) =>
  expect(() => decodeOutcome(text)).toThrow('unreadable outcome'),
);
