import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { createJoinTraces, type JoinTraces } from '../../src/telemetry/join-trace.ts';
import { traceparentOf } from '../../src/telemetry/spans.ts';
import { startTelemetry } from '../../src/telemetry/start.ts';

/** Takes whatever is sent: what is recorded counts here, not where it goes. */
const sink = createServer((_request, response) => response.end('{}'));
let telemetry: AsyncDisposable | undefined;

beforeAll(async () => {
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${(sink.address() as { port: number }).port}`);
  const traces = { exports: true, linksMax: undefined };
  telemetry = await startTelemetry({ on: true, service: 'test', host: '127.0.0.1', port: 0, traces });
});
afterAll(async () => {
  await telemetry?.[Symbol.asyncDispose]();
  sink.close();
});

const TRACE = 'ab'.repeat(16);
const callerOf = (flags: string) => `00-${TRACE}-${'cd'.repeat(8)}-${flags}`;

const headersOf = (traceparent: string | undefined) => (name: string) =>
  name === 'traceparent' ? traceparent : undefined;
const ended = { startedAt: performance.now(), decision: 'admitted', campaign: 'sale', status: 202 };

/** How many of `count` joins are recorded. */
function recorded(traces: JoinTraces, header: string | undefined, count: number): number {
  let recordedCount = 0;
  for (let i = 0; i < count; i += 1) {
    const span = traces.begin(headersOf(header), performance.now());
    if (traceparentOf(span) !== '') recordedCount += 1;
    traces.end(span, { ...ended, startedAt: performance.now() });
  }
  return recordedCount;
}

test('a caller’s trace goes on with the join', () => {
  const span = createJoinTraces({ ratio: 0 }).begin(headersOf(callerOf('01')), 0);
  expect(traceparentOf(span)).toMatch(new RegExp(`^00-${TRACE}-(?!cd{8})[0-9a-f]{16}-01$`));
});

test('a crowd that asks for traces gets no more than a few a second, and again in the next', () => {
  let now = 5_000;
  const traces = createJoinTraces({ ratio: 0 }, () => now);
  expect(recorded(traces, callerOf('01'), 1_000)).toBe(limits.forcedTracesPerSecond);
  now += 999;
  expect(recorded(traces, callerOf('01'), 1_000)).toBe(0);
  now += 1;
  expect(recorded(traces, callerOf('01'), 1_000)).toBe(limits.forcedTracesPerSecond);
});

test('beyond those the dice decide, as for anybody', () => {
  expect(
    recorded(
      createJoinTraces({ ratio: 1 }, () => 0),
      callerOf('01'),
      100,
    ),
  ).toBe(100);
});

test('a caller that decided against a trace has none, however the dice fall', () => {
  expect(recorded(createJoinTraces({ ratio: 1 }), callerOf('00'), 100)).toBe(0);
});

test('with a sampler that asks no caller the dice alone decide', () => {
  expect(recorded(createJoinTraces({ ratio: 1, followsCaller: false }), callerOf('00'), 100)).toBe(100);
  expect(recorded(createJoinTraces({ ratio: 0, followsCaller: false }), callerOf('01'), 100)).toBe(0);
});

test('slow joins are recorded whatever the ratio, a few a second', () => {
  let now = 5_000;
  const traces = createJoinTraces({ ratio: 0 }, () => now);
  const slow = () => traces.end(undefined, { ...ended, startedAt: now - limits.slowJoinMs - 1 });
  expect(traces.end(undefined, { ...ended, startedAt: now - limits.slowJoinMs })).toBeUndefined();
  const contexts = Array.from({ length: 100 }, slow).filter((one) => one !== undefined);
  expect(contexts).toHaveLength(limits.faultTracesPerSecond);
  expect(new Set(contexts.map(({ traceId }) => traceId)).size).toBe(contexts.length);
  now += 1_000;
  expect(slow()).toBeDefined();
});

test.for([
  '',
  '00',
  'x',
  `00-${'0'.repeat(32)}-${'cd'.repeat(8)}-01`,
  `ff${callerOf('01').slice(2)}`,
  `${callerOf('01')}-x`,
])('the header %j says nothing: the dice decide', (header) => {
  expect(recorded(createJoinTraces({ ratio: 0 }), header, 100)).toBe(0);
  expect(recorded(createJoinTraces({ ratio: 1 }), header, 10)).toBe(10);
});
