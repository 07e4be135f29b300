import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { createTraceJoin } from '../../src/telemetry/join-trace.ts';
import { startTelemetry } from '../../src/telemetry/start.ts';

/** Takes whatever is sent: what is recorded counts here, not where it goes. */
const sink = createServer((_request, response) => response.end('{}'));
let telemetry: AsyncDisposable | undefined;

beforeAll(async () => {
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const otlpEndpoint = `http://127.0.0.1:${(sink.address() as { port: number }).port}`;
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', otlpEndpoint);
  telemetry = await startTelemetry({ on: true, service: 'test', host: '127.0.0.1', port: 0, otlpEndpoint });
});
afterAll(async () => {
  await telemetry?.[Symbol.asyncDispose]();
  sink.close();
});

const TRACE = 'ab'.repeat(16);
const callerOf = (flags: string) => `00-${TRACE}-${'cd'.repeat(8)}-${flags}`;

/** How many of `count` joins are recorded. */
function recorded(traceJoin: ReturnType<typeof createTraceJoin>, header: string | undefined, count: number): number {
  let recordedCount = 0;
  for (let i = 0; i < count; i += 1) {
    const join = traceJoin('POST /', header);
    if (join.traceparent !== '') recordedCount += 1;
    join.end('admitted');
  }
  return recordedCount;
}

test('a caller’s trace goes on with the join', () => {
  const join = createTraceJoin(0)('POST /', callerOf('01'));
  expect(join.traceparent).toMatch(new RegExp(`^00-${TRACE}-(?!cd{8})[0-9a-f]{16}-01$`));
  join.end('admitted');
});

test('a crowd that asks for traces gets no more than a few a second, and again in the next', () => {
  let now = 5_000;
  const traceJoin = createTraceJoin(0, () => now);
  expect(recorded(traceJoin, callerOf('01'), 1_000)).toBe(limits.forcedTracesPerSecond);
  now += 999;
  expect(recorded(traceJoin, callerOf('01'), 1_000)).toBe(0);
  now += 1;
  expect(recorded(traceJoin, callerOf('01'), 1_000)).toBe(limits.forcedTracesPerSecond);
});

test('beyond those the dice decide, as for anybody', () => {
  const traceJoin = createTraceJoin(1, () => 0);
  expect(recorded(traceJoin, callerOf('01'), 100)).toBe(100);
});

test('a caller that decided against a trace has none, however the dice fall', () => {
  expect(recorded(createTraceJoin(1), callerOf('00'), 100)).toBe(0);
});

test.for([
  '',
  '00',
  'x',
  `00-${'0'.repeat(32)}-${'cd'.repeat(8)}-01`,
  `ff${callerOf('01').slice(2)}`,
  `${callerOf('01')}-x`,
])('the header %j says nothing: the dice decide', (header) => {
  expect(recorded(createTraceJoin(0), header, 100)).toBe(0);
  expect(recorded(createTraceJoin(1), header, 10)).toBe(10);
});
