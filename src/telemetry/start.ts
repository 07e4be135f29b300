// Starts OpenTelemetry: traces to an OTLP endpoint where one is named, metrics for Prometheus on a port of their own.
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
}

/** Starts it, or does nothing when it is off. Close it last: what is still buffered is sent then. */
export async function startTelemetry(settings: TelemetrySettings): Promise<AsyncDisposable> {
  if (!settings.on) return { [Symbol.asyncDispose]: async () => undefined };
  const exporter = new PrometheusExporter({ host: settings.host, port: settings.port, preventServerStart: true });
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
  await exporter.startServer();
  return {
    [Symbol.asyncDispose]: () => sdk.shutdown().catch(() => undefined), // a collector that is away must not fail a stop
  };
}
