import { expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/pool.ts';
import { limits } from '../../src/process/limits.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { deliver } from './by-hand.ts';
import { fronts } from './front.ts';

const file = fronts();
const REPEATS = 60;
/** Of one give-back. */
const LOOKS_MAX = limits.giveBackMs / limits.giveBackLookMs + 2;
const OPTIONS = { name: 'status', connectionMax: 2, queueMax: 200, acquireMs: 300, statementMs: 500 };

test('a ticket in the hands of a worker is looked for once, however often its buyer gives it back', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  await deliver(front, campaign);
  const before = front.questionCount();
  const answers = await Promise.all(Array.from({ length: REPEATS }, () => front.giveBack(ticket!)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  expect(front.questionCount() - before).toBeLessThanOrEqual(LOOKS_MAX);
});

test('while the ledger is away, repeats of a give-back multiply neither commands of Redis nor statements', async (t) => {
  const proxy = await startTcpProxy(t, file.database.url());
  const ledger = openLedger({ ...OPTIONS, url: proxy.url });
  t.onTestFinished(() => ledger.close());
  const front = await file.start(t, { statusLedger: ledger });
  const [ticket] = await front.admit(await front.create(), 1, 1);
  proxy.set('reset');
  const before = front.questionCount();
  const startedAt = performance.now();
  const answers = await Promise.all(Array.from({ length: REPEATS }, () => front.giveBack(ticket!)));
  // A machine so slow that the rest is over in between may ask once more for each.
  const timesMax = 1 + (performance.now() - startedAt) / limits.giveBackRestMs;
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  expect(front.questionCount() - before).toBeLessThanOrEqual(2 * timesMax);
});

test('what the ledger has recorded is answered from memory: no command, no statement', async (t) => {
  const proxy = await startTcpProxy(t, file.database.url());
  const ledger = openLedger({ ...OPTIONS, url: proxy.url });
  t.onTestFinished(() => ledger.close());
  const front = await file.start(t, { statusLedger: ledger });
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  const user = { 'x-user-id': 'user-1' };
  expect((await front.giveBack(ticket!)).status).toBe(200);
  // The first did not say who it was: this one completes what the ledger records.
  expect((await front.giveBack(ticket!, user)).status).toBe(200);
  const recorded = await file.database.sql('SELECT user FROM cancellations WHERE campaign = ?', [campaign]);
  expect(recorded).toEqual([{ user: 'user-1' }]);
  const before = [front.questionCount(), proxy.questionCount()];
  for (let n = 0; n < REPEATS; n += 1) {
    const answer = await front.giveBack(ticket!, n % 2 === 0 ? {} : user);
    expect(answer).toMatchObject({ status: 200, body: { ticket, status: 'cancelled' } });
  }
  const asked = [front.questionCount() - before[0]!, proxy.questionCount() - before[1]!];
  // The next reading of the gates asks once who gave back.
  expect(asked[0]).toBeLessThanOrEqual(1);
  expect(asked[1]).toBe(0);
});
