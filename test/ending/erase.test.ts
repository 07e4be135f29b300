// Personal data must be erasable: a buyer's id leaves ledger, dead letters and audit log, and the books stay true.
import { expect, test } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { openRetries } from '../../src/retry/bullmq.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { fronts, newKey, type TestFront } from '../http/front.ts';
import { openDuties } from '../workers/duties.ts';
import { endedSale, openEnding } from './ended-sale.ts';

const file = fronts();
const KEYS = { current: 1, keys: new Map([[1, newKey()]]) };

const erase = (front: TestFront, user: string, dryRun = false) =>
  front.admin('POST', '/admin/users/erase', { user, dryRun });

/** Everything that the ledger holds, as text, but campaigns that others made. */
async function booksOf(ids: readonly string[]): Promise<string> {
  const books = [];
  for (const table of ['issuances', 'cancellations', 'dead_letters', 'audit_log', 'erasures'])
    books.push(await file.database.sql(`SELECT * FROM ${table} WHERE campaign IN (?)`, [ids]));
  return JSON.stringify(books);
}

test('a buyer is erased where the campaign is over and later where it goes on, and tickets are told as before', async (t) => {
  const front = await file.start(t, { ticketKeys: KEYS });
  const ledger = file.ledger();
  const over = await endedSale(front, ledger, { count: 2 });
  // A bearer gives back without saying whose it was: the ledger has the tag alone.
  const given = await endedSale(front, ledger, {
    count: 2,
    spoil: async (sale) => void (await front.giveBack(sale.tickets[0]!)),
  });
  const live = await front.create({ stock: 10 });
  const ending = openEnding(t, { redis: front.redis, ledger });
  for (const { id } of [over, given]) await ending.archive(id, 'tester');
  await file.database.sql('UPDATE issuances SET unit = 50 WHERE campaign = ? AND unit = 1', [over.id]);
  await keepDeadLetter(ledger, {
    campaign: live,
    epoch: 1,
    seq: 1,
    unit: 1,
    user: 'user-1',
    admittedAt: 1,
    reason: 'rejected',
    detail: "Duplicate entry 'user-1'",
    attempts: 6,
  });
  const ids = [over.id, given.id, live];

  const found = { erased: [given.id, over.id].toSorted(), later: [live] };
  const dry = await erase(front, 'user-1', true);
  expect(dry.body).toEqual({ dryRun: true, ...found, erased: expect.arrayContaining(found.erased) });
  expect(await booksOf([over.id])).toContain('user-1');
  const done = await erase(front, 'user-1');
  expect(done.body).toEqual({ ...dry.body, dryRun: false });
  const books = await booksOf([over.id, given.id]);
  expect(books).not.toContain('user-1');
  for (const { id } of [over, given]) expect(books).not.toContain(userTag(id, 'user-1'));
  expect(books).toContain('user-2');
  expect(await booksOf([live])).toContain('user-1');

  // A front that starts now knows nothing but the ledger: also of a ticket under another unit, whoever asks.
  for (const headers of [{}, { 'x-user-id': 'user-1' }] as Record<string, string>[]) {
    const other = await file.start(t, { ticketKeys: KEYS });
    expect((await other.poll(over.tickets[0]!, headers)).body).toMatchObject({
      status: 'issued',
      issuance: { unit: 50 },
    });
    expect((await other.poll(given.tickets[0]!, headers)).body.status).toBe('cancelled');
  }

  // Once the campaign that went on is archived, the next look erases the buyer there.
  await front.admin('POST', '/admin/dead-letters/discard', { campaign: live });
  await front.admin('POST', `/admin/campaigns/${live}/close`);
  await file.database.sql('UPDATE campaigns SET drained_at = NOW(3) WHERE id = ?', [live]);
  await file.database.sql('UPDATE cancellations SET returned_at = NOW(3) WHERE campaign = ?', [live]);
  expect(await ending.eraseLeft()).toBe(0);
  expect(await ending.archive(live, 'tester')).toBe(undefined);
  expect((await ending.findDue(0, undefined)).erase).toBe(true);
  expect(await ending.eraseLeft()).toBe(1);
  expect(await booksOf(ids)).not.toContain('user-1');
  expect((await ending.findDue(0, undefined)).erase).toBe(false);
  const audit = await file.database.sql("SELECT `after` FROM audit_log WHERE campaign = ? AND action = 'erase-user'", [
    live,
  ]);
  expect(audit.map(({ after }) => JSON.parse(String(after)))).toEqual([
    { issuances: 0, cancellations: 1, letters: 1, audit: 1 },
  ]);
  expect((await erase(front, 'user-1')).body).toEqual({ dryRun: false, erased: [], later: [] });
});

test('what other letters say of other buyers stays, and what they say of this one goes', async (t) => {
  const front = await file.start(t);
  const ledger = file.ledger();
  const { id } = await endedSale(front, ledger);
  await openEnding(t, { redis: front.redis, ledger }).archive(id, 'tester');
  const raws = ['{"u":"user-1"}', '{"u":"user-11"}', '{"u":"not-user-1"}', 'user-1@example.org'];
  for (const [index, raw] of raws.entries())
    await keepDeadLetter(ledger, {
      campaign: id,
      epoch: 1,
      seq: 20 + index,
      reason: 'malformed-entry',
      attempts: 1,
      raw,
    });
  await erase(front, 'user-1');
  const left = await file.database.sql('SELECT raw FROM dead_letters WHERE campaign = ? ORDER BY seq', [id]);
  expect(left.map(({ raw }) => raw)).toEqual([null, raws[1], raws[2], null]);
});

test('a job of the retry queue that names a buyer holds up the archive, and one that came too late goes', async (t) => {
  const front = await file.start(t);
  const ledger = file.ledger();
  const { id } = await endedSale(front, ledger);
  const retries = openRetries({ url: redisUrl(), onError: () => undefined }, { attemptsMax: 3, backoffMs: 50 });
  t.onTestFinished(() => retries.close());
  const job = {
    ...{ campaign: id, epoch: 1, seq: 1, unit: 1, user: 'user-1', admittedAt: 1 },
    ...{ reason: 'rejected', traceparent: '' },
  };
  await retries.schedule(job);
  const held = await front.admin('POST', `/admin/campaigns/${id}/archive`, { dryRun: false });
  expect([held.status, held.body.title]).toEqual([409, expect.stringContaining('retry queue')]);
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const stop = duties.retry();
  await until('the job is done', 60_000, async () => (await retries.list(id)).length === 0);
  await stop();
  expect((await front.admin('POST', `/admin/campaigns/${id}/archive`, { dryRun: false })).status).toBe(200);

  // A worker that slept through the end schedules it again.
  await retries.schedule({ ...job, redriveCount: 1 });
  expect(await retries.list(id)).toHaveLength(1);
  duties.retry();
  await until('the job is gone', 60_000, async () => (await retries.list(id)).length === 0);
  expect(await file.database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [id])).toEqual([{ n: 3 }]);
  expect(await file.database.sql('SELECT COUNT(*) AS n FROM dead_letters WHERE campaign = ?', [id])).toEqual([
    { n: 0 },
  ]);
});
