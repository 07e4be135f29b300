// Before a front is ready it serves a crowd of its own: what the crowd runs through, and what it leaves behind.
import { expect, type TestContext, test } from 'vitest';
import { composeWarmUp } from '../../src/composition/warm-up.ts';
import { warmUp } from '../../src/opening/warm-up.ts';
import { openFast, untilReady } from '../../src/redis/connection.ts';
import { loadScript } from '../../src/redis/scripts.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { startRedis } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';

const KEY = Buffer.alloc(32, 7);

/** What was answered, by method and status, and what was reported. */
async function warmed(t: TestContext, url: string, stopping = new AbortController().signal) {
  const redis = openFast({ url, ca: undefined, name: 'warm-up', onError: () => undefined, commandMs: 1_000 });
  t.onTestFinished(() => redis.disconnect());
  await untilReady(redis, DEADLINE_MS);
  const app = composeWarmUp(redis, {
    durability: 'disk',
    ticketKeys: { current: 1, keys: new Map([[1, KEY]]) },
    couponKey: KEY,
    ticketsNeedUser: false,
    trustedProxies: [],
    corsOrigins: [],
    publicUrl: undefined,
    clientLimits: { joinsPerSecond: 5, joinsPerAddressPerSecond: 50, pollsPerSecond: 2 },
  });
  const answers: string[] = [];
  const errors: unknown[] = [];
  const fetch: typeof app.fetch = async (request, env) => {
    const response = await app.fetch(request, env);
    answers.push(`${request.method} ${response.status}`);
    return response;
  };
  return {
    redis,
    errors,
    answers,
    run: () => warmUp({ ...app, fetch }, { stopping, onError: (error) => errors.push(error) }),
  };
}

test('joins and polls were served, Redis has the script, and nothing else of it', async (t) => {
  const { url } = await startRedis(t);
  const { redis, run, answers, errors } = await warmed(t, url);
  await run();
  expect([...new Set(answers)].toSorted()).toEqual(['GET 200', 'POST 202']);
  expect(errors).toEqual([]);
  expect(await redis.script('EXISTS', loadScript('admit').sha)).toEqual([1]);
  expect(await redis.dbsize()).toBe(0);
});

test('a Redis that answers nothing kept no front from its start', async (t) => {
  const { url } = await startRedis(t);
  const proxy = await startTcpProxy(t, url);
  const { run, answers, errors } = await warmed(t, proxy.url);
  proxy.set('hold');
  await run();
  expect([...new Set(answers)].toSorted()).toEqual(['GET 200', 'POST 202']);
  expect(errors).toEqual([]);
});

test('a front that was asked to end warms up no more', async (t) => {
  const { url } = await startRedis(t);
  const { run, answers } = await warmed(t, url, AbortSignal.abort());
  await run();
  expect(answers).toEqual([]);
});
