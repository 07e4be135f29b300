import { expect, test } from 'vitest';
import { traceIdOf, traceparentOf } from '../../src/domain/trace-context.ts';

const VALID = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/;

test('a traceparent made of a trace id is valid, and continues that trace', () => {
  for (const id of ['4bf92f3577b34da6a3ce929d0e0e4736', `1${'0'.repeat(31)}`]) {
    expect(traceparentOf(id)).toMatch(VALID);
    expect(traceIdOf(traceparentOf(id))).toBe(id);
  }
  expect(traceparentOf(null)).toBe('');
  for (const none of ['', '00-xyz', 'no trace']) expect(traceIdOf(none)).toBeNull();
});
