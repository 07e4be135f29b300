// A receiver of OTLP over HTTP: it takes what the exporter of a real process sends, in the JSON form of the protocol.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'vitest';

/** The kinds of the protocol by number. */
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** '' for a root. */
  parentSpanId: string;
  name: string;
  kind: (typeof KINDS)[number];
  service: string;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  isError: boolean;
  durationMs: number;
}

interface RawValue {
  stringValue?: string;
  intValue?: number | string;
  boolValue?: boolean;
  doubleValue?: number;
  arrayValue?: unknown;
}
interface RawAttribute {
  key: string;
  value: RawValue;
}
interface RawSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: RawAttribute[];
  links?: { traceId: string; spanId: string }[];
  status?: { code?: number };
}
interface RawExport {
  resourceSpans?: { resource: { attributes: RawAttribute[] }; scopeSpans: { spans: RawSpan[] }[] }[];
}

export interface OtlpReceiver {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` takes. */
  url: string;
  spans: () => ReceivedSpan[];
  /** Every request body as it came: what must not be in any span is looked for here. */
  bodies: () => string[];
  /** `content-type` and path of each request. */
  requests: () => { type: string; path: string }[];
}

/** Closes with the test. Bodies of another form than JSON are kept as latin1 text and not read. */
export async function startOtlpReceiver(t: TestContext): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const requests: { type: string; path: string }[] = [];
  const server = createServer((request, response) => void take(request, response));
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const type = request.headers['content-type'] ?? '';
    const text = Buffer.concat(chunks).toString('latin1');
    bodies.push(text);
    requests.push({ type, path: request.url ?? '' });
    if (type === 'application/json') spans.push(...spansOf(JSON.parse(text) as RawExport));
    response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, spans: () => spans, bodies: () => bodies, requests: () => requests };
}

const spansOf = ({ resourceSpans = [] }: RawExport): ReceivedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => receivedOf(span, service)));
  });

const receivedOf = (span: RawSpan, service: string): ReceivedSpan => ({
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId ?? '',
  name: span.name,
  kind: KINDS[span.kind] ?? 'unspecified',
  service,
  attributes: valuesOf(span.attributes),
  links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
  isError: span.status?.code === 2,
  durationMs: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
});

const valuesOf = (attributes: readonly RawAttribute[] = []): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, readValue(value)]));

const readValue = ({ stringValue, intValue, boolValue, doubleValue, arrayValue }: RawValue): unknown =>
  stringValue ?? (intValue === undefined ? (boolValue ?? doubleValue ?? arrayValue) : Number(intValue));
