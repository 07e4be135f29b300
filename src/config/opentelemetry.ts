// The variables of the OpenTelemetry SDK that are honoured. The SDK reads most of them itself, from the environment of the
// process; here they are checked, because it ignores a value that it does not understand. docs/operating/traces.md has a
// row for each.
import { z } from 'zod';
import { oneOf, share, whole } from './scalars.ts';
import { httpUrl } from './urls.ts';

const COUNT_MAX = 1_000_000;

const someOf = (...words: readonly string[]) =>
  z
    .string()
    .refine(
      (text) => text.split(',').every((word) => words.includes(word.trim())),
      `takes ${words.slice(0, -1).join(', ')} or ${words.at(-1)}; several with commas between`,
    );

/** `name=value`, more after commas; the values percent-encoded. */
const pairs = z.string().regex(/^\s*[^=,\s]+\s*=[^,]*(,\s*[^=,\s]+\s*=[^,]*)*$/, 'takes name=value, more after commas');

const endpoint = httpUrl('takes http://host:port or https://host:port').optional();
const count = whole(1, COUNT_MAX).optional();
const timeout = whole(1, 600_000).optional();
const protocol = oneOf('grpc', 'http/protobuf', 'http/json').optional();
const compression = oneOf('none', 'gzip').optional();
const file = z.string().optional();

export const openTelemetrySettings = {
  OTEL_SDK_DISABLED: oneOf('true', 'false').optional(),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_RESOURCE_ATTRIBUTES: pairs.optional(),
  OTEL_NODE_RESOURCE_DETECTORS: someOf('env', 'host', 'os', 'process', 'serviceinstance', 'all', 'none').optional(),
  OTEL_LOG_LEVEL: oneOf('none', 'error', 'warn', 'info', 'debug', 'verbose', 'all').optional(),
  OTEL_PROPAGATORS: someOf('tracecontext', 'baggage', 'b3', 'b3multi', 'none').optional(),
  OTEL_TRACES_SAMPLER: oneOf(
    'always_on',
    'always_off',
    'traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'parentbased_traceidratio',
  ).optional(),
  OTEL_TRACES_SAMPLER_ARG: share.optional(),
  OTEL_TRACES_EXPORTER: someOf('otlp', 'zipkin', 'console', 'none').optional(),
  OTEL_EXPORTER_ZIPKIN_ENDPOINT: endpoint,
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint,
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_HEADERS: pairs.optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: pairs.optional(),
  OTEL_EXPORTER_OTLP_TIMEOUT: timeout,
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: timeout,
  OTEL_EXPORTER_OTLP_COMPRESSION: compression,
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: compression,
  OTEL_EXPORTER_OTLP_INSECURE: oneOf('true', 'false').optional(),
  OTEL_EXPORTER_OTLP_CERTIFICATE: file,
  OTEL_EXPORTER_OTLP_CLIENT_KEY: file,
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file,
  OTEL_BSP_MAX_QUEUE_SIZE: count,
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: count,
  OTEL_BSP_SCHEDULE_DELAY: timeout,
  OTEL_BSP_EXPORT_TIMEOUT: timeout,
  OTEL_ATTRIBUTE_COUNT_LIMIT: count,
  OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: count,
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: count,
  OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: count,
  OTEL_SPAN_EVENT_COUNT_LIMIT: count,
  OTEL_SPAN_LINK_COUNT_LIMIT: count,
};

export interface TraceSettings {
  /** Share of the joins whose trace is recorded, 0 to 1. */
  ratio: number;
  /** Whether a caller's decision goes before the dice. */
  followsCaller: boolean;
  /** Whether spans are sent anywhere. */
  exports: boolean;
  /** Links of a span; undefined for as many as a batch has entries. */
  linksMax: number | undefined;
}

type Settings = z.output<z.ZodObject<typeof openTelemetrySettings>> & { TRACE_RATIO: number };

export function traceSettings(env: Settings): TraceSettings {
  const exporters = env.OTEL_TRACES_EXPORTER?.split(',').map((name) => name.trim()) ?? [];
  const isNamed =
    exporters.length > 0 || [env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some(Boolean);
  return {
    ...samplingOf(env),
    // Left to itself the SDK would send to localhost:4318.
    exports: isNamed && !exporters.includes('none'),
    linksMax: env.OTEL_SPAN_LINK_COUNT_LIMIT,
  };
}

function samplingOf(env: Settings): Pick<TraceSettings, 'ratio' | 'followsCaller'> {
  const sampler = env.OTEL_TRACES_SAMPLER;
  if (sampler === undefined) return { ratio: env.TRACE_RATIO, followsCaller: true };
  const ratios = { always_on: 1, always_off: 0, traceidratio: env.OTEL_TRACES_SAMPLER_ARG ?? 1 };
  const root = sampler.replace(/^parentbased_/, '') as keyof typeof ratios;
  return { ratio: ratios[root], followsCaller: sampler.startsWith('parentbased_') };
}

/** What contradicts another setting, a line each. */
export function traceProblems({ given }: { given: ReadonlySet<string> }): string[] {
  if (!given.has('TRACE_RATIO') || !given.has('OTEL_TRACES_SAMPLER')) return [];
  return ['OTEL_TRACES_SAMPLER: TRACE_RATIO is set, too; both say which joins are traced, so set one of them'];
}
