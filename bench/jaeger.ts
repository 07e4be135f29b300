// One ticket's trace through a collector into a Jaeger and back out of its API: `npm run bench:jaeger`. It takes Jaeger
// (Apache-2.0) from PATH or from ~/go/bin: `go install github.com/jaegertracing/jaeger/cmd/jaeger@v1.76.0`. Jaeger is a collector with
// a store, so that a second process of it runs otel/collector.yml. Without it nothing is run, and the output says so.
import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { shapeOf } from '../k6/shapes/shapes.ts';
import { loadEnvironment } from '../src/config/config.ts';
import { runShape } from '../src/load/run-shape.ts';
import { startService } from '../src/load/service.ts';
import { findProgram } from '../src/local/binaries.mjs';
import { freePort, startChild } from '../test/faults/stage/child.ts';
import { ROOT } from '../test/helpers/root.ts';
import type { Owner } from '../test/helpers/tcp-proxy.ts';
import { until } from '../test/helpers/until.ts';
import { ownerOf } from './open-loop.ts';
import { killAll, openFolder } from './processes.ts';

/** Jaeger's own answer, as far as it is read here. */
interface Trace {
  traceID: string;
  spans: {
    spanID: string;
    operationName: string;
    processID: string;
    references: { traceID: string; spanID: string }[];
  }[];
  processes: Record<string, { serviceName: string }>;
}

interface Collector {
  receivers: { otlp: { protocols: Record<string, { endpoint: string }> } };
  exporters: { otlp: { endpoint: string } };
  extensions?: unknown;
  service: { extensions?: unknown; telemetry?: unknown };
}

/** The collector decides about a trace 30 s after its first span. */
const PATIENCE_MS = 120_000;
const JOIN = 'POST /v1/campaigns/{id}/tickets';
/** A process of Jaeger would publish its own numbers on a fixed port. */
const QUIET = { metrics: { level: 'none' } };

const jaeger = findProgram(['jaeger'], [...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go', 'bin')]);
process.on('exit', killAll);
if (jaeger === undefined) {
  console.error(
    'NOT RUN: there is no jaeger on PATH or in ~/go/bin. No real store of traces has taken the spans of this version.',
  );
  console.error('Install it: go install github.com/jaegertracing/jaeger/cmd/jaeger@v1.76.0');
} else {
  await using stack = new AsyncDisposableStack();
  await main(jaeger, ownerOf(stack), openFolder());
}

async function main(program: string, owner: Owner, folder: string): Promise<void> {
  const store = await startStore(program, owner, folder);
  const endpoint = await startCollector(program, owner, { folder, storeEndpoint: store.endpoint });
  await using service = await startService({
    ...loadEnvironment().bare,
    TRACE_RATIO: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '500',
  });
  const report = await runShape(shapeOf('smoke')!, {
    service,
    size: { scale: 1, length: 1 },
    countsOnly: true,
    say: (line) => console.error(line),
    stopping: new AbortController().signal,
  });
  const { tickets } = report;
  console.error(`${tickets.accepted} tickets accepted; the collector looks at their traces for 30 s`);
  const joins = await until('Jaeger has every join, and the batch of each', PATIENCE_MS, async () => {
    await sleep(1_000);
    const traces = await store.traces('sluice-front', JOIN);
    const batches = await store.traces('sluice-worker', 'process tickets');
    // A buyer who joins again has a trace without a place of its own.
    const sent = traces.filter(({ spans }) => spans.some(({ operationName }) => operationName === 'send tickets'));
    const found = sent.map((trace) => ({ trace, batch: batches.find((batch) => follows(batch, trace)) }));
    const isWhole = found.length === tickets.accepted && found.every(({ batch }) => batch !== undefined);
    return isWhole ? found : undefined;
  });
  const spanCount = joins.reduce((sum, { trace }) => sum + trace.spans.length, 0);
  console.log(
    `Jaeger has ${joins.length} traces of ${tickets.accepted} tickets, ${spanCount} spans, and the batch that each is linked to.`,
  );
  const longest = joins.toSorted((one, other) => other.trace.spans.length - one.trace.spans.length)[0]!;
  const asked = await store.trace(longest.trace.traceID);
  console.log(`One ticket, asked for by its id: ${spansOf(asked).join(', ')}.`);
  console.log(`The batch that follows from it: ${spansOf(longest.batch!).join(', ')}.`);
}

/** Whether a span of the batch is linked to a span of the ticket's trace. */
function follows(batch: Trace, { traceID }: Trace): boolean {
  return batch.spans.some(({ references }) => references.some((reference) => reference.traceID === traceID));
}

function spansOf({ spans, processes }: Trace): string[] {
  return spans.map(({ operationName, processID }) => `${operationName} (${processes[processID]!.serviceName})`);
}

async function startStore(program: string, owner: Owner, folder: string) {
  const [otlp, http, grpc] = [await freePort(), await freePort(), await freePort()];
  const file = join(folder, 'store.yml');
  const config = {
    receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${otlp}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 10_000 } } } },
      jaeger_query: {
        storage: { traces: 'memory' },
        http: { endpoint: `127.0.0.1:${http}` },
        grpc: { endpoint: `127.0.0.1:${grpc}` },
      },
    },
    service: {
      telemetry: QUIET,
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    },
  };
  writeFileSync(file, stringify(config));
  const child = startChild({ name: 'jaeger', folder, command: [program, `--config=${file}`] });
  owner.onTestFinished(async () => void (await child.end('SIGTERM')));
  const ask = async (path: string): Promise<Trace[]> => {
    const answer = await fetch(`http://127.0.0.1:${http}/api/traces${path}`);
    if (!answer.ok) throw new Error(`Jaeger answered ${answer.status} to ${path}`);
    return ((await answer.json()) as { data: Trace[] }).data;
  };
  const traces = (service: string, operation: string) =>
    ask(`?service=${service}&operation=${encodeURIComponent(operation)}&limit=1000&lookback=1h`);
  await until('Jaeger answers', PATIENCE_MS, async () => {
    if (!child.isAlive()) throw new Error(`Jaeger ended:\n${child.output().slice(-3_000)}`);
    return traces('sluice-front', JOIN).catch(() => undefined);
  });
  return { endpoint: `127.0.0.1:${otlp}`, traces, trace: async (id: string) => (await ask(`/${id}`))[0]! };
}

/** With otel/collector.yml, whose addresses are others, and without the one part that Jaeger lacks: its health check. */
async function startCollector(
  program: string,
  owner: Owner,
  { folder, storeEndpoint }: { folder: string; storeEndpoint: string },
): Promise<string> {
  const config = parse(readFileSync(join(ROOT, 'otel/collector.yml'), 'utf8')) as Collector;
  const [http, grpc] = [await freePort(), await freePort()];
  config.receivers.otlp.protocols = {
    http: { endpoint: `127.0.0.1:${http}` },
    grpc: { endpoint: `127.0.0.1:${grpc}` },
  };
  config.exporters.otlp.endpoint = storeEndpoint;
  delete config.extensions;
  delete config.service.extensions;
  config.service.telemetry = QUIET;
  const file = join(folder, 'collector.yml');
  writeFileSync(file, stringify(config));
  const child = startChild({ name: 'collector', folder, command: [program, `--config=${file}`] });
  owner.onTestFinished(async () => void (await child.end('SIGTERM')));
  const url = `http://127.0.0.1:${http}`;
  await until('the collector listens', PATIENCE_MS, async () => {
    if (!child.isAlive()) throw new Error(`the collector ended:\n${child.output().slice(-3_000)}`);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/traces`, { method: 'POST', body: '{}', headers }).catch(() => undefined);
    return answer?.ok;
  });
  return url;
}
