import { expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { problemsOf } from './problems.ts';

const tracesOf = (environment: Record<string, string>) => readConfig(environment).telemetry.traces;

test('without an endpoint or an exporter nothing is sent; with one of them spans are', () => {
  expect(tracesOf({}).exports).toBe(false);
  expect(tracesOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }).exports).toBe(true);
  expect(tracesOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/v1/traces' }).exports).toBe(true);
  expect(tracesOf({ OTEL_TRACES_EXPORTER: 'console, otlp' }).exports).toBe(true);
  expect(tracesOf({ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }).exports).toBe(false);
});

test.for<[Record<string, string>, number, boolean]>([
  [{}, 0.01, true],
  [{ TRACE_RATIO: '0.5' }, 0.5, true],
  [{ OTEL_TRACES_SAMPLER: 'always_on' }, 1, false],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0, true],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, 0.25, false],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, 1, true],
])('%o samples a share of the joins, and asks the caller or not', ([environment, ratio, followsCaller]) => {
  expect(tracesOf(environment)).toMatchObject({ ratio, followsCaller });
});

test.for<[string, string]>([
  ['OTEL_TRACES_SAMPLER', 'sometimes'],
  ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ['OTEL_TRACES_EXPORTER', 'otlp,jaeger'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization Bearer secret-of-mine'],
  ['OTEL_BSP_SCHEDULE_DELAY', '0'],
  ['OTEL_PROPAGATORS', 'jaeger'],
  ['OTEL_SDK_DISABLED', 'yes'],
])('%s: a value that the SDK would ignore without a word is a problem, told without the value', ([name, value]) => {
  const told = problemsOf({ [name]: value });
  expect(told).toEqual([expect.stringMatching(new RegExp(`^${name}: takes `))]);
  expect(told[0]).not.toContain('secret');
});

test('TRACE_RATIO and a sampler of the SDK contradict each other', () => {
  expect(problemsOf({ TRACE_RATIO: '0.5', OTEL_TRACES_SAMPLER: 'always_on' })).toEqual([
    expect.stringMatching(/^OTEL_TRACES_SAMPLER: TRACE_RATIO is set, too/),
  ]);
});

test('OTEL_SDK_DISABLED turns the SDK off, and not the listener', () => {
  expect(readConfig({ OTEL_SDK_DISABLED: 'true' }).telemetry).toMatchObject({ on: true, sdk: false });
  expect(readConfig({}).telemetry).toMatchObject({ on: true, sdk: true });
});
