// Starts OpenTelemetry: traces to an OTLP endpoint where one is named, metrics for Prometheus on a port of their own,
// which also says how the process is.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { AlwaysOnSampler, ParentBasedSampler } from '@opentelemetry/sdk-trace';
import { urlOf } from '../domain/listen-address.ts';
import { type Readiness, readinessBody } from '../domain/readiness.ts';
import { backlogBody, type Waiting } from '../domain/waiting.ts';
import { answerBare, SECURE_HEADERS } from '../listener/bare-answers.ts';
import { telemetryConnectionsBound } from '../listener/connection-bounds.ts';
import { openServer } from '../listener/open-server.ts';
import { listening } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { Log } from './log.ts';
import { processMetrics } from './process-metrics.ts';
import { createScrape, type Scrape } from './scrape.ts';
import { tellSdkWords } from './sdk-words.ts';

export interface TelemetrySettings {
  on: boolean;
  service: string;
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** False where OTEL_SDK_DISABLED says so: the listener answers, and nothing is counted or traced. True unless given. */
  sdk?: boolean;
  /** Whether spans are sent, as OTEL_TRACES_EXPORTER and the endpoints say, and how many links one may have; else none. */
  traces?: { exports: boolean; linksMax: number | undefined };
  /** Takes what the SDK has to say, such as that a collector is away. */
  log?: Pick<Log, 'warn'>;
  /** What `/readyz` says, from the first moment on. A front says it on its public port instead. */
  readiness?: () => Readiness;
  /** Hears of every answer that it is not ready. */
  onUnready?: (reasons: readonly string[]) => void;
}

export interface Telemetry extends AsyncDisposable {
  /** Where this machine reaches the listener; undefined when it is off. */
  url: string | undefined;
  /** From now on `GET /backlog` answers what `read` gives as JSON, and 503 while that rejects or is not known yet. */
  answerBacklog: (read: () => Promise<Waiting>) => void;
}

/** Starts it, or does nothing when it is off. Close it last: what is still buffered is sent then. */
export async function startTelemetry(settings: TelemetrySettings): Promise<Telemetry> {
  if (!settings.on)
    return { url: undefined, answerBacklog: () => undefined, [Symbol.asyncDispose]: async () => undefined };
  if (settings.log !== undefined) tellSdkWords(settings.log);
  const scrape = createScrape();
  // Whoever begins a trace has thrown the dice already; see `createJoinTraces`.
  const sampler = new ParentBasedSampler({ root: new AlwaysOnSampler() });
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': settings.service }),
    metricReaders: [scrape.reader],
    sampler,
    spanLimits: { linkCountLimit: settings.traces?.linksMax ?? limits.traceLinksMax },
    // Left out, the SDK takes its exporters from the environment, and sends to localhost:4318 where none is named.
    ...(settings.traces?.exports ? {} : { spanProcessors: [] }),
    // Log lines go to standard output; left out, the SDK would prepare to send them, too.
    logRecordProcessors: [],
  });
  const isOn = settings.sdk ?? true;
  if (isOn) sdk.start();
  const measuring = processMetrics();
  let readBacklog: (() => Promise<Waiting>) | undefined;
  const server = await listen(isOn ? scrape : undefined, { ...settings, readBacklog: async () => readBacklog?.() });
  const { port } = server.address() as AddressInfo;
  return {
    url: urlOf(settings.host, port),
    answerBacklog: (read) => {
      readBacklog = read;
    },
    async [Symbol.asyncDispose]() {
      measuring[Symbol.dispose]();
      await sdk.shutdown().catch(() => undefined); // a collector that is away must not fail a stop
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Rejects when the port is taken. The server alone does not keep the process alive. */
async function listen(
  scrape: Scrape | undefined,
  settings: TelemetrySettings & { readBacklog: () => Promise<Waiting | undefined> },
): Promise<Server> {
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const path = URL.parse(request.url!, 'http://localhost')?.pathname;
    const readiness = path === '/readyz' ? told(settings.readiness) : undefined;
    for (const [name, value] of Object.entries(SECURE_HEADERS)) response.setHeader(name, value);
    if (readiness !== undefined && readiness.reasons.length > 0) settings.onUnready?.(readiness.reasons);
    if (path === '/metrics' && scrape !== undefined) scrape.answer(request, response);
    else if (path === '/livez') answer(response, 200, { status: 'up' });
    else if (path === '/backlog') void answerBacklog(response, settings.readBacklog);
    else if (readiness !== undefined)
      answer(response, readiness.reasons.length === 0 ? 200 : 503, readinessBody(readiness));
    else answerBare(response, 404);
  };
  const { host, port } = settings;
  const server = await listening({ portName: 'TELEMETRY_PORT', hostName: 'TELEMETRY_HOST', host, port }, () =>
    openServer(onRequest, {
      ...settings,
      connectionsMax: limits.telemetryConnectionsMax,
      silentMs: limits.telemetrySilentMs,
      perAddress: telemetryConnectionsBound(),
    }),
  );
  return server.unref();
}

/** Never a number that nobody has read: a scaler that is given 0 stops the workers. */
async function answerBacklog(response: ServerResponse, read: () => Promise<Waiting | undefined>): Promise<void> {
  const waiting = await read().catch(() => undefined);
  if (waiting === undefined) answerBare(response, 503);
  else answer(response, 200, backlogBody(waiting));
}

/** A question about the process never ends it. */
function told(readiness: TelemetrySettings['readiness']): Readiness | undefined {
  try {
    return readiness?.();
  } catch {
    return { reasons: ['readiness-unknown'], warnings: [] };
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
