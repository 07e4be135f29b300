// What being watched costs: metrics scraped every second and 1 % of traces exported, against telemetry off.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context, Figure, Sample } from '../figure.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, startFront } from '../sluice.ts';
import { openJoins } from '../under-load.ts';

const SCRAPE_MS = 1000;

export const telemetry: Figure = {
  name: 'telemetry',
  ratios: [
    {
      text: 'joins/s with full telemetry (1 % traces) ÷ off',
      bar: { atLeast: 0.9 },
      over: 'on.ratePerSecond',
      under: 'off.ratePerSecond',
    },
  ],
  measure: (context) => alternate(context, [on(context), off(context)]),
};

const on = (context: Context): Contender => ({
  name: 'on',
  async open(stack) {
    const sink = stack.use(await openSink());
    const settings = { TELEMETRY: 'on', TRACE_RATIO: '0.01', OTEL_EXPORTER_OTLP_ENDPOINT: sink.url };
    const { front, measure } = await openFront(context, stack, settings);
    await scrape(front);
    return async () => {
      const scraping = setInterval(() => void scrape(front).catch(() => undefined), SCRAPE_MS);
      try {
        return await measure();
      } finally {
        clearInterval(scraping);
      }
    };
  },
});

const off = (context: Context): Contender => ({
  name: 'off',
  open: async (stack) => (await openFront(context, stack, { TELEMETRY: 'off' })).measure,
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

async function scrape({ telemetryPort }: Front): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${telemetryPort}/metrics`);
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
