// What the doctor says of the workers, and of a process that may not open enough files.
import { expect, test } from 'vitest';
import type { Fact, Status } from '../../src/doctor/finding.ts';
import { judgeOpenFiles, readOpenFilesMax } from '../../src/doctor/open-files.ts';
import { judgeWorkers } from '../../src/doctor/worker-judgement.ts';
import type { WorkerReport } from '../../src/domain/readiness.ts';
import { limits } from '../../src/process/limits.ts';
import { createWorkerReports } from '../../src/redis/worker-reports.ts';
import { ran } from '../cli/sluice.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import { COUPON_KEY, startFront, startProgram, startWorker, untilPrinted } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { examined, migratedDatabase } from './servers.ts';

const report = (name: string, silentMs = 0, ...reasons: string[]): WorkerReport => ({ name, silentMs, reasons });
const GONE = limits.workerSilentMs + 1;

test.for<[string, Fact<WorkerReport[]>, number, Status, RegExp, openCount?: number]>([
  ['ready workers', { told: [report('b'), report('a')] }, 9, 'ok', /^2 ready: a, b$/],
  ['no worker, and nothing to issue', { told: [] }, 0, 'warning', /^no worker has reported .* in the last 10 s$/],
  ['no worker, and a ticket that waits', { told: [] }, 1, 'broken', /; 1 ticket\(s\) wait$/],
  [
    'a worker that is gone',
    { told: [report('x', 60_000), report('a', GONE)] },
    1,
    'broken',
    /; a reported 10 s ago; 1 tick/,
  ],
  ['a dead one beside one that works', { told: [report('a'), report('b', GONE)] }, 9, 'ok', /^1 ready: a$/],
  [
    'workers that cannot issue, and tickets that wait',
    { told: [report('a', 0, 'ledger-unreachable')] },
    9,
    'broken',
    /^0 ready, 1 not: a \(ledger-unreachable\); 9 ticket\(s\) wait$/,
  ],
  [
    'workers that cannot issue, and a campaign that sells',
    { told: [report('a', 0, 'campaigns-read-stale', 'redis-maxclients-reached')] },
    0,
    'broken',
    /\(campaigns-read-stale, redis-maxclients-reached\); 1 campaign\(s\) are open$/,
    1,
  ],
  ['workers that cannot issue, and nothing to sell', { told: [report('a', 0, 'x')] }, 0, 'warning', /^0 ready, 1 not/],
  ['no worker, and a campaign that sells', { told: [] }, 0, 'broken', /; 2 campaign\(s\) are open$/, 2],
  [
    'a worker that cannot issue beside one that can',
    { told: [report('a', 0, 'campaigns-read-stale', 'stream-read-stale:x'), report('b')] },
    9,
    'warning',
    /^1 ready, 1 not: a \(campaigns-read-stale, stream-read-stale:x\)$/,
  ],
  [
    'many workers',
    { told: ['a', 'b', 'c', 'd', 'e'].map((name) => report(name)) },
    0,
    'ok',
    /^5 ready: a, b, c and 2 more$/,
  ],
  ['reports that cannot be read', { untold: 'NOPERM' }, 1, 'unknown', /^NOPERM$/],
])('%s', ([, reports, waitingCount, status, found, openCount = 0]) => {
  const finding = judgeWorkers(reports, waitingCount, openCount);
  expect(finding).toMatchObject({ check: 'workers', status, found: expect.stringMatching(found) });
});

test('a ticket that waits without a worker is broken, not "ok, 0 entries", until a worker has issued it', {
  timeout: 120_000,
}, async (t) => {
  const redis = await loneRedis(t);
  const stores = { redisUrl: redis.url, databaseUrl: await migratedDatabase(t) };
  const front = await startFront(t, stores);
  const welcome = /workers +0 started here, none on this Redis: tickets wait and are not issued/;
  await until('the front says that nobody issues', 60_000, () => welcome.test(front.output()));
  const campaign = uniqueName('doctor');
  expect((await examined(stores)).named('workers')?.status).toBe('warning');

  const headers = { authorization: `Bearer ${front.adminToken}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ id: campaign, stock: 1 });
  await fetch(`${front.adminUrl}/admin/campaigns`, { method: 'POST', headers, body });
  await until('the join is accepted', 60_000, async () => {
    const answer = await fetch(`${front.url}/v1/campaigns/${campaign}/tickets`, {
      method: 'POST',
      headers: { 'x-user-id': 'ann' },
    });
    return answer.status === 202;
  });
  const waiting = await examined(stores);
  expect([waiting.code, waiting.named('workers')?.status]).toEqual([1, 'broken']);
  expect(waiting.named('work-lag')?.found).toMatch(/^1 ticket\(s\) wait/);
  expect(await readyz(front.url)).toEqual([200, { ready: true, reasons: [], warnings: ['no-worker-seen'] }]);

  await startWorker(t, stores, 'late');
  await until('the doctor finds all of it in order', 60_000, async () => {
    const { code, named } = await examined(stores);
    return code === 0 && named('workers')?.found === '1 ready: late' && named('work-lag')?.found.startsWith('0 ');
  });
  await until('so does the front', 60_000, async () => {
    const [, { warnings }] = await readyz(front.url);
    return warnings.length === 0;
  });
});

test('a worker that ends takes its report back; one that is killed is missed when it has been silent', {
  timeout: 120_000,
}, async (t) => {
  const redis = await loneRedis(t);
  const stores = { redisUrl: redis.url, databaseUrl: await migratedDatabase(t) };
  const [one, other] = [await startWorker(t, stores, 'one'), await startWorker(t, stores, 'other')];
  const { read } = createWorkerReports(testRedis(t, redis.url));
  const names = async () => (await read()).map(({ name }) => name).toSorted();
  await until('both have reported', 60_000, async () => (await names()).length === 2);
  await one.end('SIGTERM');
  expect(await names()).toEqual(['other']);
  await other.end('SIGKILL');
  const missed = /^no worker has reported .*; other reported \d+ s ago$/;
  await until('it is missed', 60_000, async () => missed.test((await examined(stores)).named('workers')!.found));
});

test.for<[string, Fact<number>, Status]>([
  ['as many files as connections', { told: 30_100 }, 'ok'],
  ['no limit', { told: Number.POSITIVE_INFINITY }, 'ok'],
  ['the limit of a plain shell', { told: 1_024 }, 'warning'],
  ['no place for anything', { told: 64 }, 'warning'],
  ['a system that does not say', { untold: 'Node cannot read the limit' }, 'unknown'],
])('a process that may open: %s', ([, max, status]) => {
  const finding = judgeOpenFiles(max, 30_000);
  expect(finding.status).toBe(status);
  if (status === 'warning') expect(finding.means).toMatch(/^from about (924|0) connections on/);
});

test('the limit that is judged is that of the process', () => {
  expect(readOpenFilesMax()).toEqual({ told: expect.any(Number) });
});

test('a low ulimit -n is told by the doctor, and by a process that starts under it', { timeout: 60_000 }, async (t) => {
  const redis = await loneRedis(t);
  const env = { REDIS_URL: redis.url, DATABASE_URL: await migratedDatabase(t), COUPON_KEY, TELEMETRY: 'off' };
  const under = (max: number, program: string) => ['-c', `ulimit -n ${max} && exec ${process.execPath} ${program}`];
  const { out } = await ran('sh', under(512, 'src/cli.ts doctor'), { PATH: process.env.PATH, ...env });
  expect(out).toMatch(
    /^warning +open-files +512 open files allowed \(ulimit -n\), this process may need 30428; from about 412 /m,
  );
  // A worker has few connections, whatever is on sale.
  const worker = startProgram(t, ['sh', ...under(110, 'workers/main.ts')], env);
  await untilPrinted(worker, /"check":"open-files","status":"warning"/);
});

async function readyz(url: string): Promise<[number, { warnings: string[] }]> {
  const answer = await fetch(`${url}/readyz`);
  return [answer.status, (await answer.json()) as { warnings: string[] }];
}
