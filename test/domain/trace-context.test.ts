import { expect, test } from 'vitest';
import { continuingTraceparent, traceIdOf } from '../../src/domain/trace-context.ts';

const VALID = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/;

test('a traceparent made of a trace id is valid, and continues that trace', () => {
  for (const id of ['4bf92f3577b34da6a3ce929d0e0e4736', `1${'0'.repeat(31)}`]) {
    expect(continuingTraceparent(id)).toMatch(VALID);
    expect(traceIdOf(continuingTraceparent(id))).toBe(id);
  }
  expect(continuingTraceparent(null)).toBe('');
  for (const none of ['', '00-xyz', 'no trace']) expect(traceIdOf(none)).toBeNull();
});
