import { expect, test } from 'vitest';
import type { WorkerReport } from '../../src/domain/readiness.ts';
import { createFrontReadiness } from '../../src/http/readiness.ts';
import { limits } from '../../src/process/limits.ts';
import { createWorkerReports } from '../../src/redis/worker-reports.ts';
import { until } from '../helpers/until.ts';
import { fronts } from './front.ts';
import { ownRedis } from './own-redis.ts';

const own = fronts();

test('a front without workers stays ready and warns, until one reports; without Redis it is not ready', {
  timeout: 120_000,
}, async (t) => {
  const redis = await ownRedis(t);
  const front = await own.start(t, { redisUrl: redis.url });
  const told = async (status: number, body: object) =>
    until(`/readyz is ${status} ${JSON.stringify(body)}`, 60_000, async () => {
      const answer = await front.ask('/readyz');
      return answer.status === status && JSON.stringify(answer.body) === JSON.stringify(body);
    });
  await told(200, { ready: true, reasons: [], warnings: ['no-worker-seen'] });
  const { report } = createWorkerReports(front.redis);
  await report('a', ['ledger-unreachable']);
  await told(200, { ready: true, reasons: [], warnings: ['no-worker-ready'] });
  const verbose = await front.ask('/readyz?verbose');
  expect(verbose).toMatchObject({ status: 200, body: { ready: true, workers: { seen: 1, ready: 0 } } });
  expect((verbose.body as unknown as { details: string[] }).details).toEqual([
    expect.stringMatching(/^no worker is ready since \d{4}-\S+Z \(1 report\(s\)\): this front accepts joins/),
  ]);
  await report('a', []);
  await told(200, { ready: true, reasons: [], warnings: [] });
  const body = { ready: true, reasons: [], warnings: [], workers: { seen: 1, ready: 1 }, details: [] };
  expect(await front.ask('/readyz?verbose')).toMatchObject({ status: 200, body });
  redis.stop();
  await told(503, { ready: false, reasons: ['redis-unreachable'], warnings: [] });
  redis.goOn();
  await until('it is ready again', 60_000, async () => (await front.ask('/readyz')).status === 200);
  front.drain();
  expect(await front.ask('/readyz')).toMatchObject({ status: 503, body: { ready: false, reasons: ['draining'] } });
});

const reportOf = (silentMs: number, ...reasons: string[]): WorkerReport => ({ name: 'w', silentMs, reasons });

test.for<[string, WorkerReport[] | undefined, string[], object | undefined]>([
  ['no report', [], ['no-worker-seen'], { seenCount: 0, readyCount: 0 }],
  ['an old report', [reportOf(limits.workerSilentMs + 1)], ['no-worker-seen'], { seenCount: 0, readyCount: 0 }],
  ['a report', [reportOf(limits.workerSilentMs)], [], { seenCount: 1, readyCount: 1 }],
  ['one of two is ready', [reportOf(0), reportOf(0, 'x')], [], { seenCount: 2, readyCount: 1 }],
  ['none is ready', [reportOf(0, 'x'), reportOf(0, 'y')], ['no-worker-ready'], { seenCount: 2, readyCount: 0 }],
  ['reports that cannot be read', undefined, ['workers-unknown'], undefined],
])('%s', async ([, reports, warnings, seen]) => {
  const readiness = createFrontReadiness({
    draining: new AbortController().signal,
    isRedisAway: () => false,
    readWorkers: async () => reports ?? Promise.reject(new Error('NOPERM')),
    ownWorkersDown: () => [2],
    onError: () => undefined,
  });
  expect(readiness.readiness().warnings).toEqual(['workers-unknown', 'own-worker-down:2']);
  await readiness.untilWorkerReady(0, new AbortController().signal);
  expect(readiness.readiness()).toEqual({ reasons: [], warnings: [...warnings, 'own-worker-down:2'] });
  expect(readiness.workersSeen()).toEqual(seen);
  if (reports === undefined) expect(readiness.noneReadyMs()).toBe(undefined);
  else expect(readiness.details().details.length).toBe(warnings.length);
});

test('a worker may answer in moments or never: a front waits no longer than it is asked to', async () => {
  let readCount = 0;
  const readiness = createFrontReadiness({
    draining: new AbortController().signal,
    isRedisAway: () => false,
    readWorkers: async () => (++readCount < 3 ? [] : [reportOf(0)]),
    ownWorkersDown: () => [],
    onError: () => undefined,
  });
  await readiness.untilWorkerReady(600_000, new AbortController().signal);
  expect(readCount).toBe(3);
  await readiness.untilWorkerReady(600_000, AbortSignal.abort());
});
