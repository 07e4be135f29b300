import { expect, test } from 'vitest';
import type { DeadLetter } from '../../src/domain/dead-letter.ts';
import { countDeadLetters, getDeadLetter, keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { uniqueName } from '../helpers/services.ts';
import { startLossyProxy } from './lossy-proxy.ts';
import { expectBetween, ownDatabase } from './own-database.ts';

const database = ownDatabase();

const letterOf = (other: Partial<DeadLetter> = {}): DeadLetter => ({
  campaign: uniqueName('sale'),
  epoch: 1,
  seq: 42,
  unit: 7,
  user: 'ann',
  admittedAt: 1_798_102_800_123,
  reason: 'rejected',
  detail: 'not this one',
  attempts: 6,
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  raw: null,
  ...other,
});

test('a dead letter is kept as it is, once for each ticket', async () => {
  const ledger = database.open();
  const letter = letterOf();
  const from = Date.now();
  await Promise.all([1, 2, 3].map(() => keepDeadLetter(ledger, letter)));
  await keepDeadLetter(ledger, { ...letter, reason: 'another' });
  const kept = await getDeadLetter(ledger, letter);
  expect(kept).toMatchObject({ ...letter, state: 'kept' });
  expectBetween(from, kept!.createdAt);
  await keepDeadLetter(ledger, { ...letter, epoch: 2 });
  expect(await countDeadLetters(ledger, letter.campaign)).toBe(2);
  expect(await getDeadLetter(ledger, { ...letter, seq: 43 })).toBeUndefined();
});

test('what a dead letter holds never stops it from being kept', async () => {
  const ledger = database.open();
  const letter = letterOf({
    unit: -1,
    user: 'x'.repeat(5_000),
    admittedAt: Number.NaN,
    reason: `이유 ${'r'.repeat(100)}`,
    detail: '👤'.repeat(40_000),
    traceId: "';--",
    spanId: "';--",
    raw: `\0\ud800${'가'.repeat(40_000)}`,
  });
  await keepDeadLetter(ledger, letter);
  const kept = await getDeadLetter(ledger, letter);
  expect(kept).toMatchObject({ unit: null, user: null, admittedAt: null, traceId: null, spanId: null, state: 'kept' });
  expect(kept!.reason).toMatch(/^\?\? r{61}$/);
  expect(kept!.raw).toHaveLength(16_000);
  const { campaign } = letter;
  await keepDeadLetter(ledger, { campaign, epoch: 1, seq: 43, reason: 'malformed-entry', attempts: 1 });
  expect(await getDeadLetter(ledger, { campaign, epoch: 1, seq: 43 })).toMatchObject({
    user: null,
    detail: '',
    raw: null,
  });
});

test('a dead letter whose answer was lost is kept once when it is kept again', async (t) => {
  const proxy = await startLossyProxy(t, database.url());
  const ledger = database.open({ url: proxy.url });
  const letter = letterOf();
  proxy.loseAnswerTo('not this one', 'close');
  await expect(keepDeadLetter(ledger, letter)).rejects.toMatchObject({ code: 'ledger-unavailable', retryable: true });
  await keepDeadLetter(ledger, letter);
  expect(await countDeadLetters(ledger, letter.campaign)).toBe(1);
});
