import { expect, type TestContext, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import { keysLike } from '../helpers/redis.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { codeOf, openDuties, users } from './duties.ts';

const database = ownDatabase();
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** The database refuses this user's row until the trigger is dropped. */
const refuse = (t: TestContext, user: string) =>
  database.beforeEachRow(
    t,
    `refuse_${user.replace('-', '_')}`,
    `IF NEW.user = '${user}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused on purpose'; END IF`,
  );

const rowsOf = (campaign: string) =>
  database.sql('SELECT unit, user, seq FROM issuances WHERE campaign = ? ORDER BY unit', [campaign]);

test('one bad row never holds up the other 499, is told retrying, and is issued once the ledger takes it', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: { attemptsMax: 50, backoffMs: 50 } });
  const campaign = await duties.openCampaign({ stock: 500 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 500));
  const relent = await refuse(t, 'user-250');
  const batches: number[] = [];
  duties.issue(campaign, { onSettled: ({ count }) => batches.push(count) });
  duties.retry();

  expect(await client.untilStatus(tickets[499]!, 'issued')).toMatchObject({ issuance: { unit: 500 } });
  expect(batches).toEqual([500]);
  expect(await rowsOf(campaign)).toHaveLength(499);
  expect(await client.untilStatus(tickets[249]!, 'retrying')).not.toHaveProperty('issuance');

  await relent();
  const issued = await client.untilStatus(tickets[249]!, 'issued');
  expect(issued.issuance).toEqual({ unit: 250, code: codeOf(campaign, 250, 'user-250') });
  expect((await rowsOf(campaign))[249]).toEqual({ unit: 250, user: 'user-250', seq: 250 });
  expect(await database.sql('SELECT * FROM dead_letters WHERE campaign = ?', [campaign])).toEqual([]);
});

test('a row that is refused to the last attempt is a dead letter: kept with its reason, its unit reserved, and told', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: { attemptsMax: 3, backoffMs: 20 } });
  const campaign = await duties.openCampaign({ stock: 10 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(901, 910), TRACE);
  await refuse(t, 'user-905');
  duties.issue(campaign);
  duties.retry();

  const failed = await client.untilStatus(tickets[4]!, 'failed', 10_000);
  expect(failed.problem).toMatchObject({ title: 'rejected' });
  expect(failed).not.toHaveProperty('issuance');
  expect(await database.sql('SELECT * FROM dead_letters WHERE campaign = ?', [campaign])).toMatchObject([
    {
      seq: 5,
      epoch: 1,
      unit: 5,
      user: 'user-905',
      reason: 'rejected',
      attempts: 3,
      state: 'kept',
      trace_id: TRACE.slice(3, 35),
    },
  ]);
  expect(await rowsOf(campaign)).toHaveLength(9);
  // Reserved: nobody is given its unit, and the sale is sold out all the same.
  const view = (await duties.readGates([campaign]))[0]!;
  expect(view).toMatchObject({ remaining: 0, retryingCount: 0, settledCount: 10 });
  await until(
    'the job is gone',
    3_000,
    async () => (await keysLike(duties.redis, '{sluice-retry}:issuance:t-*')).length === 0,
  );
});

test('what is a fault of the ledger costs a ticket no attempt', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: { attemptsMax: 2, backoffMs: 10 } });
  const campaign = await duties.openCampaign({ stock: 5 });
  const client = duties.client();
  const [ticket] = await client.admit(campaign, ['user-777']);
  const relent = await refuse(t, 'user-777');
  duties.issue(campaign);
  await client.untilStatus(ticket!, 'retrying');
  await relent();
  // The ledger is away while the retries run: locked for reading, as by a backup.
  let attempts = 0;
  const away = { ...duties.retryWork };
  away.attempt = async (job) => {
    attempts += 1;
    if (attempts > 4) return duties.retryWork.attempt(job);
    throw new Fault('ledger-unavailable', 'away', { retryable: true });
  };
  duties.retry(away);
  await client.untilStatus(ticket!, 'issued', 10_000);
  expect(attempts).toBe(5);
  expect(await database.sql('SELECT * FROM dead_letters WHERE campaign = ?', [campaign])).toEqual([]);
});
