import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { keys } from '../../src/redis/keys.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import type { GunOrder, GunReport } from '../helpers/overload-gun.ts';
import { startFront } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { steadyLoad } from '../helpers/steady-load.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { ownDatabase } from '../ledger/own-database.ts';

const database = ownDatabase();
/** So slow a gate that the machine is not what is measured: two calls of 128 joins at a time, each this long. */
const GATE_MS = 400;
const CAPACITY = (limits.gateCallsMax * limits.joinBatchMax * 1_000) / GATE_MS;

async function fire(order: GunOrder): Promise<GunReport> {
  const program = ['test/helpers/overload-gun.ts', JSON.stringify(order)];
  const { stdout } = await promisify(execFile)(process.execPath, program);
  return JSON.parse(stdout) as GunReport;
}

test('five times what the gate can take: every join is a 202 or a 503, and polls do not notice', async (t) => {
  const { url: redisUrl } = await loneRedis(t);
  const proxy = await startTcpProxy(t, redisUrl);
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
  const redis = testRedis(t, redisUrl);
  const polls = steadyLoad(t, front.url, 50, () => ({ method: 'GET', path: `/v1/tickets/${ticket}` }));
  const port = Number(new URL(front.url).port);
  const flood = await fire({
    port,
    path,
    connectionsMax: 2_000,
    crowd: 'flood',
    ratePerSecond: 5 * CAPACITY,
    seconds: 4,
  });
  await polls.stop();
  console.log(JSON.stringify(flood));
  expect(Object.keys(flood.statuses).toSorted()).toEqual(['202', '503']);
  // The first one came before; a 503 may hide a place, a 202 never hides that there is none.
  expect(Number(await redis.hget(keys.gate(id), 'seq'))).toBeGreaterThanOrEqual(1 + flood.statuses[202]!);
  expect(new Set(polls.shots.map(({ status }) => status))).toEqual(new Set([200]));
});
