import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import { faulted } from '../../src/http/problems.ts';
import { retryAfter } from '../../src/http/respond.ts';

const told = async (error: unknown) => {
  const response = faulted(error);
  return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') };
};

test('a fault of ours is told in its own words, one that quotes the database is not', async () => {
  expect(await told(new Fault('conflict', 'campaign x is closed'))).toMatchObject({
    status: 409,
    text: expect.stringContaining('campaign x is closed'),
  });
  const cause = new Error('Incorrect datetime value for column `sluice`.`campaigns`.`closes_at`');
  const quoted = await told(new Fault('invalid', `the ledger refuses the row: ${cause.message}`, { cause }));
  expect(quoted.status).toBe(500);
  expect(quoted.text).not.toMatch(/closes_at|refuses the row/);
});

test('a fault that may pass is a 503 with Retry-After, anything else a 500; neither says what broke', async () => {
  const away = await told(new Fault('redis-unavailable', 'connect ECONNREFUSED 127.0.0.1:6379', { retryable: true }));
  expect([away.status, away.retryAfter]).toEqual([503, expect.stringMatching(/^[1-9]$/)]);
  const broken = await told(new TypeError('cannot read properties of undefined'));
  const corrupt = await told(new Fault('corrupt-state', 'SLUICE_CORRUPT field 9'));
  expect([broken.status, corrupt.status, broken.retryAfter]).toEqual([500, 500, null]);
  for (const { text } of [away, broken, corrupt]) expect(text).not.toMatch(/ECONN|127\.0|undefined|SLUICE/);
});

test('Retry-After is never sooner than the wait, at most twice as late in whole seconds, and spread', () => {
  for (const waitMs of [0, 1, 999, 1_000, 1_001, 5_000]) {
    const least = Math.max(1, Math.ceil(waitMs / 1_000));
    const seen = new Set(Array.from({ length: 500 }, () => Number(retryAfter(waitMs)['retry-after'])));
    expect([Math.min(...seen), Math.max(...seen), seen.size]).toEqual([least, 2 * least, least + 1]);
  }
});
