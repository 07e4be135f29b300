// Starts OpenTelemetry: traces to an OTLP endpoint where one is named, metrics for Prometheus on a port of their own,
// which also says how the process is.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { AlwaysOnSampler, ParentBasedSampler } from '@opentelemetry/sdk-trace';

export interface TelemetrySettings {
  on: boolean;
  service: string;
  host: string;
  /** 0 takes any free port. */
  port: number;
  otlpEndpoint: string | undefined;
  /** What the process needs for its work and does not have, by name; told by /readyz. A front tells it on its public port. */
  missing?: () => string[];
  /** Hears of every answer that it is not ready. */
  onUnready?: (missing: string[]) => void;
}

/** Starts it, or does nothing when it is off. Close it last: what is still buffered is sent then. */
export async function startTelemetry(settings: TelemetrySettings): Promise<AsyncDisposable> {
  if (!settings.on) return { [Symbol.asyncDispose]: async () => undefined };
  const exporter = new PrometheusExporter({ preventServerStart: true });
  // Who begins a trace has thrown the dice already; see `createTraceJoin`.
  const sampler = new ParentBasedSampler({ root: new AlwaysOnSampler() });
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': settings.service }),
    metricReaders: [exporter],
    sampler,
    // Without an endpoint nothing is exported; left out, the SDK would send to localhost:4318.
    ...(settings.otlpEndpoint === undefined ? { spanProcessors: [] } : {}),
  });
  sdk.start();
  const server = await listen(exporter, settings);
  return {
    async [Symbol.asyncDispose]() {
      await sdk.shutdown().catch(() => undefined); // a collector that is away must not fail a stop
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Rejects when the port is taken. The server alone does not keep the process alive. */
async function listen(exporter: PrometheusExporter, settings: TelemetrySettings): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    const missing = path === '/readyz' ? settings.missing?.() : undefined;
    if (missing !== undefined && missing.length > 0) settings.onUnready?.(missing);
    if (path === '/metrics') exporter.getMetricsRequestHandler(request, response);
    else if (path === '/livez') answer(response, 200, { status: 'up' });
    else if (missing !== undefined) answer(response, missing.length === 0 ? 200 : 503, { missing });
    else answer(response, 404, {});
  }).unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.host, resolve);
  });
  return server;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
