import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { createWorkerHealth } from '../../workers/health.ts';
import { freePort } from '../helpers/free-port.ts';
import { startWorker } from '../helpers/processes.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';

const database = ownDatabase();

test('a worker is ready while it looks at every lane and reads what it finds there', async () => {
  let now = 0;
  let isAway = false;
  let isRedisAway = false;
  const health = createWorkerHealth({
    isLedgerAway: () => isAway,
    isRedisAway: () => isRedisAway,
    now: () => now,
  });
  expect(health.readiness().reasons).toEqual(['campaigns-read-stale']);
  health.looked('lane-1');
  health.looked('lane-2');
  health.unreadable('sale');
  expect(health.readiness().reasons).toEqual([]);
  now += limits.readStaleMs + 1;
  health.looked('lane-1');
  health.unreadable('sale');
  expect(health.readiness().reasons).toEqual(['campaigns-read-stale', 'stream-read-stale:sale']);
  health.looked('lane-2');
  health.read('sale');
  expect(health.readiness().reasons).toEqual([]);
  isAway = true;
  now += limits.readStaleMs + 1;
  expect(health.readiness().reasons).toEqual(['ledger-unreachable']);
  isRedisAway = true;
  expect(health.readiness().reasons).toEqual(['redis-unreachable', 'ledger-unreachable']);
  [isAway, isRedisAway] = [false, false];
  for (const lanes of ['lane-1', 'lane-2']) health.notLooked(lanes, 'redis-maxclients-reached');
  expect(health.readiness().reasons).toEqual(['campaigns-read-stale', 'redis-maxclients-reached']);
  for (const lanes of ['lane-1', 'lane-2']) health.looked(lanes);
  expect(health.readiness().reasons).toEqual([]);
});

test('of thousands of campaigns that cannot be read a worker names three, and counts the rest', async () => {
  let now = 0;
  const health = createWorkerHealth({ isLedgerAway: () => false, isRedisAway: () => false, now: () => now });
  for (let n = 0; n < 5; n += 1) health.unreadable(`sale-${n}`);
  now += limits.readStaleMs + 1;
  health.looked('lanes');
  expect(health.readiness().reasons).toEqual([
    'stream-read-stale:sale-0',
    'stream-read-stale:sale-1',
    'stream-read-stale:sale-2',
    'stream-read-stale:and-2-more',
  ]);
});

test('the telemetry port of a worker says that it is up, that it is ready, and its numbers', async (t) => {
  const port = await freePort();
  const stores = { redisUrl: redisUrl(), databaseUrl: database.url() };
  await startWorker(t, stores, 'told', { TELEMETRY: 'on', TELEMETRY_PORT: String(port) });
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  expect(await ask('/livez')).toMatchObject({ status: 200 });
  const ready = await until('it is ready', 60_000, async () => {
    const answer = await ask('/readyz');
    return answer.status === 200 && answer;
  });
  expect(JSON.parse(ready.text)).toEqual({ ready: true, reasons: [], warnings: [] });
  const { text } = await ask('/metrics');
  for (const number of [
    'sluice_breaker_open{dependency="ledger"',
    'sluice_breaker_openings_total{dependency="ledger"',
    'sluice_ledger_connections_in_use{pool="worker"',
    'sluice_ledger_connections_waiting{pool="worker"',
    'sluice_ledger_connections_max{pool="worker"',
  ]) {
    expect(text).toContain(number);
  }
  expect((await ask('/other')).status).toBe(404);
});
