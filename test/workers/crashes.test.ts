import { expect, type TestContext, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import type { Settlement } from '../../src/gate/port.ts';
import { keys } from '../../src/redis/keys.ts';
import { keysLike } from '../helpers/redis.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { type Duties, openDuties, users } from './duties.ts';

const database = ownDatabase();
const issuedCount = async (campaign: string) =>
  (await database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [campaign]))[0]!.n;

/** A worker that commits its first batch and dies before it can settle it: nothing is acked, nobody hears of it. */
async function crashAtSettle(duties: Duties, campaign: string): Promise<void> {
  const reached = Promise.withResolvers<void>();
  const death = Promise.withResolvers<never>();
  const settle = () => {
    reached.resolve();
    return death.promise;
  };
  const stop = duties.issue(campaign, { settlement: { settle } });
  await reached.promise;
  const stopped = stop();
  death.reject(new Error('dead'));
  await stopped;
}

test('a crash between the commit and the ack: delivered again to the same name, and every ticket has one row', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 100 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 100));
  await crashAtSettle(duties, campaign);
  expect(await issuedCount(campaign)).toBe(100);
  expect(await client.poll(tickets[0]!)).toMatchObject({ status: 'queued' });

  let redelivered = 0;
  duties.issue(campaign, { onSettled: ({ count }) => (redelivered += count) });
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued');
  expect(redelivered).toBe(100);
  expect(await issuedCount(campaign)).toBe(100);
});

test('a settlement whose answer was lost is asked again, and counts once', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 50 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 50));
  let losses = 0;
  const settled: number[] = [];
  const settlement: Settlement = {
    async settle(...told) {
      const count = await duties.settlement.settle(...told);
      if (losses++ === 0) throw new Fault('redis-unavailable', 'the answer was lost', { retryable: true });
      return count;
    },
  };
  duties.issue(campaign, { settlement, onSettled: ({ count }) => settled.push(count) });
  await client.untilStatus(tickets[49]!, 'issued');
  await until('it was asked again', 3_000, () => settled.length > 0);
  expect(settled[0]).toBe(0);
  expect(await issuedCount(campaign)).toBe(50);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ settledCount: 50 });
});

/** A trigger that refuses `user`; returns how to drop it. */
const refuse = (t: TestContext, user: string) =>
  database.beforeEachRow(
    t,
    `refuse_${user.replaceAll('-', '_')}`,
    `IF NEW.user = '${user}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused on purpose'; END IF`,
  );

test('a crash between the retry scheduled and the ack: one retry, one row, told at the end', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: { attemptsMax: 50, backoffMs: 30 } });
  const campaign = await duties.openCampaign({ stock: 3 });
  const client = duties.client();
  const tickets = await client.admit(campaign, ['user-1', 'crash-2', 'user-3']);
  const relent = await refuse(t, 'crash-2');
  await crashAtSettle(duties, campaign);
  duties.issue(campaign);
  await client.untilStatus(tickets[1]!, 'retrying');
  expect(await keysLike(duties.redis, '{sluice-retry}:issuance:t-*')).toHaveLength(1);

  await relent();
  duties.retry();
  await client.untilStatus(tickets[1]!, 'issued');
  expect(await issuedCount(campaign)).toBe(3);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ retryingCount: 0, settledCount: 3 });
});

test('a retry that runs before its entry was settled comes again, and costs no attempt', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const pace = { attemptsMax: 1, backoffMs: 10 };
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace });
  const campaign = await duties.openCampaign({ stock: 1 });
  const client = duties.client();
  const [ticket] = await client.admit(campaign, ['early-1']);
  const relent = await refuse(t, 'early-1');
  await crashAtSettle(duties, campaign);
  await relent();
  let attempts = 0;
  duties.retry({
    ...duties.retryWork,
    attempt: (job) => {
      attempts += 1;
      return duties.retryWork.attempt(job);
    },
  });
  // The retry has committed the row, many times over; the entry is still pending, so nothing may be told yet.
  await until('more attempts than there are', 5_000, () => attempts > pace.attemptsMax + 1);
  expect(await issuedCount(campaign)).toBe(1);
  expect(await client.poll(ticket!)).toMatchObject({ status: 'queued' });

  duties.issue(campaign);
  await client.untilStatus(ticket!, 'issued');
  await until(
    'the retry is done',
    3_000,
    async () => (await keysLike(duties.redis, '{sluice-retry}:issuance:t-*')).length === 0,
  );
  expect(await database.sql('SELECT * FROM dead_letters WHERE campaign = ?', [campaign])).toEqual([]);
  expect(await duties.redis.hgetall(keys.exceptions(campaign))).toEqual({});
});

test('a ticket whose last attempt failed while its entry was pending is kept once the entry is settled, and only once', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: { attemptsMax: 1, backoffMs: 10 } });
  const campaign = await duties.openCampaign({ stock: 1 });
  const client = duties.client();
  const [ticket] = await client.admit(campaign, ['early-2']);
  await refuse(t, 'early-2');
  await crashAtSettle(duties, campaign);
  duties.retry();
  const letters = () => database.sql('SELECT seq, reason FROM dead_letters WHERE campaign = ?', [campaign]);
  await until('an attempt to bury it', 60_000, () =>
    duties.errors.some((error) => /not settled yet/.test(String(error))),
  );
  expect([await letters(), (await client.poll(ticket!)).status]).toEqual([[], 'queued']);
  duties.issue(campaign);
  await client.untilStatus(ticket!, 'failed');
  expect(await letters()).toEqual([{ seq: 1, reason: 'rejected' }]);
});
