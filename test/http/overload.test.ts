import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import type { GunOrder, GunReport } from '../helpers/overload-gun.ts';
import { startFront } from '../helpers/processes.ts';
import { uniqueName } from '../helpers/services.ts';
import { steadyLoad, withinMs } from '../helpers/steady-load.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { ownDatabase } from '../ledger/own-database.ts';

const database = ownDatabase();
/** So slow a gate that the machine is not what is measured: two calls of 128 joins at a time, each this long. */
const GATE_MS = 400;
const CAPACITY = (limits.gateCallsMax * limits.joinBatchMax * 1_000) / GATE_MS;

async function fire(order: GunOrder): Promise<GunReport & { goodput: number }> {
  const program = ['test/helpers/overload-gun.ts', JSON.stringify(order)];
  const { stdout } = await promisify(execFile)(process.execPath, program);
  const report = JSON.parse(stdout) as GunReport;
  return { ...report, goodput: ((report.statuses[202] ?? 0) * 1_000) / report.elapsedMs };
}

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;

test('five times what the gate can take: as many are admitted as before, nobody waits long, polls do not notice', {
  timeout: 60_000,
  retry: 2,
}, async (t) => {
  const proxy = await startTcpProxy(t, (await loneRedis(t)).url);
  const settings = { LOG_LEVEL: 'silent', POLLS_PER_CLIENT_PER_SECOND: '0' };
  const front = await startFront(t, { redisUrl: proxy.url, databaseUrl: database.url() }, settings);
  const id = uniqueName('overload');
  await fetch(`${front.adminUrl}/admin/campaigns`, {
    method: 'POST',
    headers: { authorization: `Bearer ${front.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, stock: 1_000_000 }),
  });
  const path = `/v1/campaigns/${id}/tickets`;
  const first = await fetch(`${front.url}${path}`, { method: 'POST', headers: { 'x-user-id': 'first' } });
  const { ticket } = (await first.json()) as { ticket: string };
  proxy.delay(GATE_MS);
  const order = { port: Number(new URL(front.url).port), path, connectionsMax: 2_000, crowd: 'peak' };
  const peak = await fire({ ...order, ratePerSecond: CAPACITY, seconds: 4 });

  const polls = steadyLoad(t, front.url, 50, () => ({ method: 'GET', path: `/v1/tickets/${ticket}` }));
  const control = steadyLoad(t, front.url, 50, () => ({ method: 'GET', path: '/livez' }));
  const mbBefore = residentMb(front.pid);
  const flood = await fire({ ...order, ratePerSecond: 5 * CAPACITY, seconds: 10, crowd: 'flood' });
  await Promise.all([polls.stop(), control.stop()]);
  const grownMb = residentMb(front.pid) - mbBefore;
  const told = {
    peak,
    flood,
    grownMb,
    pollsP99Ms: withinMs(polls.shots, 0.99),
    controlP99Ms: withinMs(control.shots, 0.99),
  };
  console.log(JSON.stringify(told));
  expect(Object.keys(flood.statuses).toSorted()).toEqual(['202', '503']);
  expect(flood.goodput).toBeGreaterThan(0.9 * peak.goodput);
  expect(flood.admittedP99Ms).toBeLessThan(limits.joinWaitMs + 3 * GATE_MS + told.controlP99Ms);
  expect(flood.refusedP99Ms).toBeLessThan(50 + told.controlP99Ms);
  expect(new Set(polls.shots.map(({ status }) => status))).toEqual(new Set([200]));
  expect(told.pollsP99Ms).toBeLessThan(100 + told.controlP99Ms);
  expect(grownMb).toBeLessThan(50);
});
