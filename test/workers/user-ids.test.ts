import { expect, test } from 'vitest';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties } from './duties.ts';
import { deadLetters, PACE } from './letters.ts';

const database = ownDatabase();
const { refuse, lettersOf, openDesk, issued } = deadLetters(database);

test('the dead letter of a user whose id is not ASCII names the user, and is redriven', {
  timeout: 90_000,
}, async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: PACE });
  const campaign = await duties.openCampaign({ stock: 2 });
  await duties.client().admit(campaign, ['홍길동', 'jürgen']);
  const relent = await refuse(t, '홍길동');
  duties.issue(campaign);
  duties.retry();
  await until('it is kept', 60_000, async () => (await lettersOf(campaign)).length === 1);
  expect(await lettersOf(campaign)).toMatchObject([{ user: '홍길동', state: 'kept', reason: 'rejected' }]);
  await relent();
  await openDesk(duties).redrive({ campaign, dryRun: false }, 'tester');
  await until('both are issued', 60_000, async () => (await issued(campaign)).length === 2);
  expect(await issued(campaign)).toEqual(['1 홍길동', '2 jürgen']);
  expect(duties.errors).toEqual([]);
});
