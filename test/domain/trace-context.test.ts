import { expect, test } from 'vitest';
import { continuingTraceparent, keptTraceOf, traceContextOf } from '../../src/domain/trace-context.ts';

const VALID = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('a traceparent made of what was kept is valid, and continues that trace', () => {
  for (const id of [TRACE, `1${'0'.repeat(31)}`]) {
    expect(continuingTraceparent(id, null)).toMatch(VALID);
    expect(keptTraceOf(continuingTraceparent(id, null)).traceId).toBe(id);
  }
  expect(continuingTraceparent(TRACE, SPAN)).toBe(`00-${TRACE}-${SPAN}-01`);
  expect(continuingTraceparent(null, null)).toBe('');
});

test('of a traceparent trace and span are kept, and nothing of another text', () => {
  expect(keptTraceOf(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN });
  for (const none of ['', '00-xyz', 'no trace', `01-${TRACE}-${SPAN}-01`]) {
    expect(keptTraceOf(none)).toEqual({ traceId: null, spanId: null });
    expect(traceContextOf(none)).toBeUndefined();
  }
});
