import { expect, test } from 'vitest';
import { startRedis } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from './duties.ts';

const database = ownDatabase();

test('a campaign whose rows are slow is no outage, and another one is issued in its turn', async (t) => {
  const { url } = await startRedis(t);
  // Fewer connections than batches, and less patience than the line is long: nobody may wait in the pool.
  const duties = openDuties(t, { redisUrl: url, ledger: database.open({ connectionMax: 3, acquireMs: 1_500 }) });
  const slow = await duties.openCampaign({ stock: 8_000, shards: 8 });
  const quick = await duties.openCampaign({ stock: 50 });
  await database.beforeEachRow(t, 'slow', `IF NEW.campaign = '${slow}' THEN DO SLEEP(0.002); END IF`);
  const client = duties.client();
  const slowTickets = await client.admit(slow, users(1, 8_000));
  duties.issue(slow);
  await client.untilStatus(slowTickets[0]!, 'issued', 15_000);
  duties.issue(quick);
  const tickets = await client.admit(quick, users(1, 50));
  await client.untilStatus(tickets[49]!, 'issued', 15_000);
  expect((await duties.readGates([slow]))[0]!.settledCount).toBeLessThan(8_000);
  expect(Math.max(...duties.working)).toBe(2);
  expect([duties.errors, duties.guard.breaker.openedCount()]).toEqual([[], 0]);
});
