// Before a front is ready it answers a crowd that asks for what does not exist: what the crowd runs through, and what is left of it.
import { expect, type TestContext, test } from 'vitest';
import { listen } from '../../src/http/listen.ts';
import { unknownCampaign } from '../../src/http/problems.ts';
import { answerWhileStarting } from '../../src/http/public/starting.ts';
import { warmUp } from '../../src/opening/warm-up.ts';
import { pause } from '../../src/process/lifecycle.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { freePort } from '../helpers/free-port.ts';
import { startFront } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';

const database = ownDatabase();

/** A listener that starts; what of its crowd reached the front, by method, and what was reported. */
async function starting(t: TestContext, answer: () => Response | Promise<Response>) {
  let slowedCount = 0;
  const onSlowed = () => {
    slowedCount += 1;
  };
  // As on a machine whose own address is one of the internet.
  const slowReading = { countedBy: () => 'this machine', now: () => 0, onSlowed };
  const listener = await listen({ fetch: answerWhileStarting, host: '127.0.0.1', port: 0, slowReading });
  t.onTestFinished(async () => void (await listener.close(0)));
  const asked: Request[] = [];
  const errors: unknown[] = [];
  const counting = { isOn: true };
  const counted: boolean[] = [];
  const fetch = async (request: Request) => {
    asked.push(request);
    const response = await answer();
    counted.push(counting.isOn);
    return response;
  };
  const front = { front: { fetch }, counting };
  // Longer than a front has it: a machine that is busy needs a second to start a thread.
  const run = (stopping = new AbortController().signal, lastAnswersMs?: number) =>
    warmUp(listener, front, {
      stopping,
      onError: (error) => errors.push(error),
      patienceMs: DEADLINE_MS,
      ...(lastAnswersMs !== undefined && { lastAnswersMs }),
    });
  return { url: listener.url, asked, errors, counting, counted, run, slowedCount: () => slowedCount };
}

const notFound = unknownCampaign;

test('a crowd asked the front for a ticket and a campaign of one name that nobody can guess', async (t) => {
  const { asked, errors, run, slowedCount } = await starting(t, notFound);
  await run();
  expect(asked).toHaveLength(1_500);
  // Its answers are refusals such as guesses get, and are not counted as such.
  expect(slowedCount()).toBe(0);
  const paths = new Set(asked.map(({ method, url }) => `${method} ${new URL(url).pathname}`));
  const [name] = /warm-up-[\da-f]{16}/.exec([...paths].join(' ')) ?? [];
  expect([...paths].toSorted()).toEqual([`GET /v1/tickets/${name}`, `POST /v1/campaigns/${name}/tickets`]);
  expect(errors).toEqual([]);
});

test('a buyer who came meanwhile heard that the front starts, and did not reach it', async (t) => {
  const buyers: number[] = [];
  const { url, asked, run } = await starting(t, async () => {
    if (buyers.length === 0) buyers.push((await fetch(`${url}/v1/campaigns/sale/tickets`, { method: 'POST' })).status);
    return notFound();
  });
  await run();
  expect(buyers.every((status) => status === 503)).toBe(true);
  expect(buyers.length).toBeGreaterThan(0);
  expect(asked.filter((request) => request.url.includes('/sale/'))).toEqual([]);
});

test('a front that answers none of its crowd ends its warm-up when it is asked to end, and counts again', async (t) => {
  const { asked, errors, counting, counted, run } = await starting(t, () => new Promise<Response>(() => undefined));
  const stopping = new AbortController();
  const running = run(stopping.signal);
  await until('the crowd has come', () => asked.length > 0);
  stopping.abort();
  await running;
  expect(errors).toEqual([]);
  expect([counted.includes(true), counting.isOn]).toEqual([false, true]);
});

test('answers to the crowd that came when its time was over were counted as buyers’', async (t) => {
  const answering = Promise.withResolvers<void>();
  const { asked, counting, counted, run } = await starting(t, () => answering.promise.then(notFound));
  const stopping = new AbortController();
  const running = run(stopping.signal, DEADLINE_MS);
  await until('the crowd has come', () => asked.length > 0);
  stopping.abort();
  await pause(50);
  answering.resolve();
  await running;
  expect(counted).toEqual(asked.map(() => false));
  expect(counting.isOn).toBe(true);
});

test('a front that answers none of its crowd is ready once its patience is over', async (t) => {
  const { url } = await starting(t, notFound);
  const front = { front: { fetch: () => new Promise<Response>(() => undefined) }, counting: { isOn: true } };
  const errors: unknown[] = [];
  const stopping = new AbortController().signal;
  await warmUp({ url, serve: () => undefined }, front, {
    stopping,
    onError: (error) => errors.push(error),
    patienceMs: 1,
  });
  expect([errors, front.counting.isOn]).toEqual([[], true]);
});

test('a front that was asked to end warms up no more', async (t) => {
  const { asked, run } = await starting(t, notFound);
  await run(AbortSignal.abort());
  expect(asked).toEqual([]);
});

test('a front that is ready has nothing left of its crowd: no key, no count, no line', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const redis = testRedis(t, redisUrl);
  const port = await freePort();
  const stores = { redisUrl, databaseUrl: database.url() };
  const front = await startFront(t, stores, { TELEMETRY: 'on', TELEMETRY_PORT: String(port) });
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const counted = metrics
    .split('\n')
    .filter((line) => /^(http_server_request_duration_seconds_count|sluice_\w+_total)/.test(line))
    .filter((line) => /tickets|admissions|joins_shed|http_errors|http_problems/.test(line) && !/ 0$/.test(line));
  expect(counted).toEqual([]);
  expect(metrics).toContain('sluice_admissions_total{decision="admitted"} 0');
  expect((await redis.keys('*')).filter((key) => key.includes('warm'))).toEqual([]);
  expect(front.output()).not.toMatch(/server error|warm-up/);
});
