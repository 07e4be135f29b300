import { expect, test } from 'vitest';
import { startRedis } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from './duties.ts';

const database = ownDatabase();

test('a Redis that is full admits nobody, and its backlog is worked off all the same', async (t) => {
  const { url } = await startRedis(t);
  const duties = openDuties(t, { redisUrl: url, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 20 });
  const client = duties.client();
  const inHand = Promise.withResolvers<void>();
  const isFull = Promise.withResolvers<void>();
  const { issueBatch } = duties.issuerDeps;
  const issueOnceFull: typeof issueBatch = async (rows, epoch) => {
    inHand.resolve();
    await isFull.promise;
    return issueBatch(rows, epoch);
  };
  duties.issue(campaign, { issueBatch: issueOnceFull });
  const tickets = await client.admit(campaign, users(1, 10));
  await inHand.promise;
  await duties.redis.config('SET', 'maxmemory', 1);
  isFull.resolve();
  await expect((async () => client.join(campaign, 'user-11'))()).rejects.toMatchObject({ code: 'redis-unavailable' });
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued');
  await duties.redis.config('SET', 'maxmemory', 0);
  expect(await client.admit(campaign, ['user-11'])).toHaveLength(1);
});
