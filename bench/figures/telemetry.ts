// What being watched costs: metrics scraped every five seconds and 1 % of traces exported, against telemetry off.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context, Figure, Sample } from '../figure.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, startFront } from '../sluice.ts';
import { openJoins } from '../under-load.ts';
import { drainSluice } from './drain.ts';

/** As Prometheus is set up in `otel/`. */
const SCRAPE_MS = 5_000;
const OFF = { TELEMETRY: 'off' };

const bar = { atLeast: 0.95 };

export const telemetry: Figure = {
  name: 'telemetry',
  ratios: [
    {
      text: 'joins/s with full telemetry (1 % traces) ÷ off',
      bar,
      over: 'on.ratePerSecond',
      under: 'off.ratePerSecond',
    },
  ],
  measure: (context) => alternate(context, [on(context), off(context)]),
};

export const telemetryDrain: Figure = {
  name: 'telemetry-drain',
  ratios: [
    {
      text: 'tickets drained/s with full telemetry (1 % traces) ÷ off',
      bar,
      over: 'on.ratePerSecond',
      under: 'off.ratePerSecond',
    },
  ],
  measure: (context) =>
    alternate(context, [
      drainSluice(context, 'on', async (stack) => ({ settings: await fullTelemetry(stack), watch: scrapeEach })),
      drainSluice(context, 'off', async () => ({ settings: OFF })),
    ]),
};

async function fullTelemetry(stack: AsyncDisposableStack): Promise<Record<string, string>> {
  const sink = stack.use(await openSink());
  return { TELEMETRY: 'on', TRACE_RATIO: '0.01', OTEL_EXPORTER_OTLP_ENDPOINT: sink.url };
}

const on = (context: Context): Contender => ({
  name: 'on',
  async open(stack) {
    const { front, measure } = await openFront(context, stack, await fullTelemetry(stack));
    await scrape(front.telemetryPort);
    return async () => {
      const stop = scrapeEach([front.telemetryPort]);
      try {
        return await measure();
      } finally {
        stop();
      }
    };
  },
});

/** Scrapes at once and then every so often, until it is stopped. */
function scrapeEach(ports: readonly number[]): () => void {
  const round = () => {
    for (const port of ports) void scrape(port).catch(() => undefined);
  };
  round();
  const scraping = setInterval(round, SCRAPE_MS);
  return () => clearInterval(scraping);
}

const off = (context: Context): Contender => ({
  name: 'off',
  open: async (stack) => (await openFront(context, stack, OFF)).measure,
});

async function openFront(
  context: Context,
  stack: AsyncDisposableStack,
  settings: Record<string, string>,
): Promise<{ front: Front; measure: () => Promise<Sample> }> {
  const redis = await context.stand.redis();
  const databaseUrl = await (await context.stand.database()).url('sluice');
  const front = stack.use(await startFront({ redisUrl: redis.url, databaseUrl }, settings));
  return { front, measure: await openJoins(context, front, { front: front.pid, redis: redis.pid }) };
}

async function scrape(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await response.text();
  if (!text.includes('sluice_')) throw new Error(`/metrics answered ${response.status} without a metric of Sluice's`);
}

/** A collector that takes every export and forgets it. */
async function openSink(): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
