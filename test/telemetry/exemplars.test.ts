// From a slow bucket to the trace of a ticket in it: what a scraper finds in the pages of a real front and a real worker.
import { expect, test } from 'vitest';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { freePort } from '../helpers/free-port.ts';
import { startWorker } from '../helpers/processes.ts';
import { uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { startSale, telemetryOf } from './traced-sale.ts';

const database = ownDatabase();

/** The trace ids that a page has as exemplars, by the histogram that they stand in. */
async function exemplarsOf(port: number): Promise<Record<string, string[]>> {
  const headers = { accept: 'application/openmetrics-text;version=1.0.0' };
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).text();
  const found: Record<string, string[]> = {};
  for (const [, name, traceId] of page.matchAll(/^(\w+)_bucket\{.*\} \d+ # \{trace_id="([0-9a-f]{32})"\} \S+ \S+$/gm)) {
    found[name!] = [...(found[name!] ?? []), traceId!];
  }
  return found;
}

test('the join, the wait and the issue of one ticket have exemplars of its one trace', async (t) => {
  const [frontPort, workerPort] = [await freePort(), await freePort()];
  const sale = await startSale(t, database, { TELEMETRY_PORT: String(frontPort) });
  const campaign = await sale.create({ stock: 1, shards: 1 });
  const { body, headers } = await sale.join(campaign, uniqueName('traced-user'));
  const traceId = /^00-(.{32})-/.exec(headers.get('traceparent') ?? '')![1]!;
  await startWorker(t, sale.stores, uniqueName('worker'), {
    ...telemetryOf(sale.receiver),
    TELEMETRY_PORT: String(workerPort),
  });
  await sale.untilStatus(String(body.ticket), 'issued');

  const issued = await until('the worker counts the ticket', DEADLINE_MS, async () => {
    const found = await exemplarsOf(workerPort);
    return found.sluice_join_to_issued_seconds === undefined ? undefined : found;
  });
  expect(issued).toEqual({ sluice_queue_wait_seconds: [traceId], sluice_join_to_issued_seconds: [traceId] });
  expect(await exemplarsOf(frontPort)).toEqual({ sluice_join_seconds: [traceId] });
  await until('the receiver has that trace', DEADLINE_MS, () =>
    sale.receiver.spans().some((span) => span.traceId === traceId && span.parentSpanId === '') ? true : undefined,
  );
});

test('a sale that is not sampled has no exemplar', async (t) => {
  const port = await freePort();
  const sale = await startSale(t, database, { TELEMETRY_PORT: String(port), TRACE_RATIO: '0' });
  expect((await sale.join(await sale.create({ stock: 1 }), uniqueName('traced-user'))).status).toBe(202);
  expect(await exemplarsOf(port)).toEqual({});
});
