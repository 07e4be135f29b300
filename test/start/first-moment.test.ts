// Probes ask a process that starts, over and over: it says 503 from the first moment its port is open, and lives.
import { expect, type TestContext, test } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { COUPON_KEY, startProgram, TICKET_KEY } from '../helpers/processes.ts';
import { databaseUrl, redisUrl, startRedis, temporaryFolder } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';

const DEADLINE_MS = 60_000;

/** A process whose Redis says nothing until `goOn`: its start lasts as long as the test wants, up to its own patience. */
async function held(
  t: TestContext,
  program: string[],
  environment: (port: number) => Record<string, string>,
  redis = redisUrl(),
) {
  const proxy = await startTcpProxy(t, redis);
  proxy.set('hold');
  const port = await freePort();
  const process_ = startProgram(t, [process.execPath, ...program], {
    REDIS_URL: proxy.url,
    DATABASE_URL: databaseUrl(),
    DATA_DIR: await temporaryFolder(t),
    DURABILITY: 'memory',
    COUPON_KEY,
    TICKET_KEYS: `1:${TICKET_KEY}`,
    WORKERS: '0',
    PORT: '0',
    ADMIN_PORT: '0',
    TELEMETRY: 'off',
    ...environment(port),
  });
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
  };
  const first = await until('its port is open', DEADLINE_MS, () => {
    if (process_.child.exitCode !== null) throw new Error(`it ended:\n${process_.output()}`);
    return ask('/readyz').catch(() => undefined);
  });
  return { first, ask, child: process_.child, output: process_.output, goOn: () => proxy.set('pass') };
}

const STARTING = { status: 503, text: expect.stringContaining('"starting"') };

test('a worker that is asked while it starts says that it starts, and goes on', {
  timeout: 2 * DEADLINE_MS,
}, async (t) => {
  const worker = await held(t, ['workers/main.ts'], (port) => ({ TELEMETRY: 'on', TELEMETRY_PORT: String(port) }));
  expect(worker.first).toMatchObject(STARTING);
  expect(await worker.ask('/livez')).toMatchObject({ status: 200 });
  expect(await worker.ask('/metrics')).toMatchObject({ status: 200 });
  expect(await worker.ask('/readyz?again')).toMatchObject(STARTING);
  expect([worker.child.exitCode, worker.output()]).toEqual([null, expect.not.stringContaining('ReferenceError')]);
  worker.goOn();
  await until('it is ready', DEADLINE_MS, async () => (await worker.ask('/readyz')).status === 200);
});

test('a front is asked on its public port before it can serve, and says so', {
  timeout: 2 * DEADLINE_MS,
}, async (t) => {
  const front = await held(t, ['src/main.ts', '--no-rehearsal'], (port) => ({ PORT: String(port) }));
  expect(front.first).toMatchObject(STARTING);
  expect(await front.ask('/livez')).toMatchObject({ status: 200 });
  expect(await front.ask('/v1/campaigns/sale/tickets', 'POST')).toMatchObject({
    status: 503,
    text: expect.stringContaining('temporary-reduced-capacity'),
    retryAfter: expect.stringMatching(/^\d+$/),
  });
  front.goOn();
  await until('it is ready', DEADLINE_MS, async () => (await front.ask('/readyz')).status === 200);
  // Ready, it may still be away from a ledger that is busy: that is a 503, which says to ask again.
  await until(
    'an unknown campaign is a 404',
    async () => (await front.ask('/v1/campaigns/no-such-sale')).status === 404,
  );
});

test("a front's telemetry port answers from the first moment on", { timeout: 2 * DEADLINE_MS }, async (t) => {
  const { url } = await startRedis(t);
  const telemetry = (port: number) => ({ TELEMETRY: 'on', TELEMETRY_PORT: String(port) });
  const front = await held(t, ['src/main.ts', '--no-rehearsal'], telemetry, url);
  expect(await front.ask('/livez')).toMatchObject({ status: 200 });
  expect(await front.ask('/metrics')).toMatchObject({ status: 200 });
  front.goOn();
  await until('it is ready', DEADLINE_MS, () => front.output().includes('Ready.'));
  // The crowd with which it warmed up is in no number.
  const { text } = await front.ask('/metrics');
  expect(text).toContain('sluice_admissions_total{decision="admitted"} 0');
  expect(text).not.toContain('http_route="/v1/campaigns/{id}/tickets"');
  expect(text).not.toContain('warm-up');
});
