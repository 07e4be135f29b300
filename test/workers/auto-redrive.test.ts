// Dead letters that a policy redrives: on a real Redis and a real ledger, with what an operator's redrive does.
import { expect, type TestContext, test } from 'vitest';
import type { AutoRedrivePolicy } from '../../src/domain/auto-redrive.ts';
import { redriveByPolicy } from '../../workers/redriver.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import type { Duties } from './duties.ts';
import { deadLetters } from './letters.ts';

const database = ownDatabase();
const { failed, lettersOf, statesOf, issued } = deadLetters(database);

const DUE: AutoRedrivePolicy = { reason: 'rejected', afterMs: 1, redrivesMax: 2 };

function openRedriver(duties: Duties, policies: readonly AutoRedrivePolicy[]) {
  const told: string[] = [];
  const stores = { areAway: false, lookedCount: 0 };
  const stop = duties.run((stopping) =>
    redriveByPolicy(
      {
        store: duties.letters,
        returns: duties.returns,
        readGates: duties.readGates,
        scheduleRetry: (job) => duties.retries.schedule(job),
        policies,
        lookMs: 20,
        isStoreAway: () => {
          stores.lookedCount += 1;
          return stores.areAway;
        },
        onRedriven: (reason, count) => void told.push(`${reason} ${count}`),
        onError: (error) => void duties.errors.push(error),
      },
      stopping,
    ),
  );
  return { told, stores, stop };
}

const auditOf = (campaign: string) =>
  database.sql("SELECT actor, action FROM audit_log WHERE campaign = ? AND actor = 'auto-redrive'", [campaign]);

const untilStates = (campaign: string, state: string, t: TestContext) =>
  until(`all letters are ${state} in ${t.task.name}`, async () =>
    (await statesOf(campaign)).every((one) => one === state),
  );

test('a letter is redriven after its time, audited, and its ticket is issued', async (t) => {
  const { duties, campaign, client, tickets, relent } = await failed(t, 2);
  await relent();
  const { told } = openRedriver(duties, [DUE]);
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued');
  expect(await issued(campaign)).toHaveLength(2);
  await untilStates(campaign, 'redriven', t);
  expect(await auditOf(campaign)).toEqual([
    { actor: 'auto-redrive', action: 'redrive' },
    { actor: 'auto-redrive', action: 'redrive' },
  ]);
  expect(told.map((line) => line.split(' ')[0])).toEqual(told.map(() => 'rejected'));
});

test('a letter that keeps failing is redriven as often as the policy says, and then waits for an operator', async (t) => {
  const { duties, campaign, client, tickets } = await failed(t, 1);
  const { stores } = openRedriver(duties, [DUE]);
  const countOf = async () => Number((await lettersOf(campaign))[0]!.redrive_count);
  await until('two redrives', async () => (await countOf()) === 2);
  await client.untilStatus(tickets[0]!, 'failed');
  await untilStates(campaign, 'kept', t);
  const looked = stores.lookedCount;
  await until('further looks', () => stores.lookedCount > looked + 5);
  expect([await countOf(), await statesOf(campaign)]).toEqual([2, ['kept']]);
});

test('nothing is redriven while a store is away, before its time, or of another reason', async (t) => {
  const { duties, campaign, relent } = await failed(t, 1);
  await relent();
  const away = openRedriver(duties, [DUE]);
  away.stores.areAway = true;
  const early = openRedriver(duties, [{ ...DUE, afterMs: 3_600_000 }]);
  const other = openRedriver(duties, [{ ...DUE, reason: 'stalled' }]);
  const looks = () => [away, early, other].map(({ stores }) => stores.lookedCount);
  await until('many looks', () => looks().every((count) => count > 20));
  expect(await statesOf(campaign)).toEqual(['kept']);
  away.stores.areAway = false;
  await untilStates(campaign, 'redriven', t);
  await until('the ticket is issued', async () => (await issued(campaign)).length === 1);
});
