import { expect, type TestContext, test } from 'vitest';
import { Fault, isFault } from '../../src/domain/fault.ts';
import { type Breaker, type BreakerOptions, createBreaker } from '../../src/process/breaker.ts';
import { until } from '../helpers/until.ts';

const REFUSAL = new Fault('redis-unavailable', 'not asked', { retryable: true });
const AWAY = new Fault('redis-unavailable', 'no answer', { retryable: true });
const never = new AbortController().signal;
const failing = (error: unknown) => () => Promise.reject(error);
const said = (work: Promise<unknown>) => work.catch((error: unknown) => error);

function open(t: TestContext, options: Partial<BreakerOptions> = {}): Breaker {
  const breaker = createBreaker({
    faultsMax: 2,
    isOutage: (error) => isFault(error, 'redis-unavailable'),
    refusal: REFUSAL,
    probe: failing(AWAY),
    probeMs: 20,
    ...options,
  });
  t.onTestFinished(() => breaker[Symbol.dispose]());
  return breaker;
}

test('faults in a row open it, an answer in between begins anew, and a refusal is an answer', async (t) => {
  const breaker = open(t);
  await said(breaker.run(failing(AWAY)));
  await breaker.run(async () => 1);
  await said(breaker.run(failing(AWAY)));
  await said(breaker.run(failing(new Fault('gate-missing', 'a script said so'))));
  expect(await said(breaker.run(failing(AWAY)))).toBe(AWAY);
  expect(breaker.isOpen()).toBe(false);
  expect(await said(breaker.run(failing(AWAY)))).toBe(AWAY);
  expect([breaker.isOpen(), breaker.openedCount()]).toEqual([true, 1]);
});

test('while it is open nobody asks but its own probe, also while that waits for its answer', async (t) => {
  let probeCount = 0;
  const answered = Promise.withResolvers<void>();
  const breaker = open(t, {
    probe: () => {
      probeCount += 1;
      return answered.promise;
    },
  });
  for (let i = 0; i < 2; i += 1) await said(breaker.run(failing(AWAY)));
  let askedCount = 0;
  const ask = async () => {
    askedCount += 1;
  };
  expect(await said(breaker.run(ask))).toBe(REFUSAL);
  await until('a probe', 1_000, () => probeCount > 0);
  expect(await said(breaker.run(ask))).toBe(REFUSAL);
  answered.resolve();
  await breaker.untilClosed(never);
  await breaker.run(ask);
  expect([askedCount, probeCount, breaker.isOpen()]).toEqual([1, 1, false]);
});

test('a clock that is set back by an hour while it is open does not keep it open', async (t) => {
  let isBack = false;
  const breaker = open(t, { probe: () => (isBack ? Promise.resolve() : Promise.reject(AWAY)) });
  for (let i = 0; i < 2; i += 1) await said(breaker.run(failing(AWAY)));
  const { now } = Date;
  t.onTestFinished(() => {
    Date.now = now;
  });
  Date.now = () => now() - 3_600_000;
  isBack = true;
  await until('it is closed', 1_000, () => !breaker.isOpen());
  expect(breaker.openedCount()).toBe(1);
});

test('who waits for it to close stops waiting when asked to end', async (t) => {
  const breaker = open(t);
  for (let i = 0; i < 2; i += 1) await said(breaker.run(failing(AWAY)));
  const stopping = new AbortController();
  const waiting = breaker.untilClosed(stopping.signal);
  stopping.abort();
  await waiting;
  expect(breaker.isOpen()).toBe(true);
});
