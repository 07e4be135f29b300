import { expect, test } from 'vitest';
import type { Cancellation } from '../../src/domain/cancellation.ts';
import { userTag } from '../../src/domain/ids.ts';
import { discardLetter } from '../../src/ledger/cancellations.ts';
import { keys } from '../../src/redis/keys.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { codeOf, type Duties, openDuties, users } from './duties.ts';

const database = ownDatabase();

/** A row that the gate knows nothing of, as after a Redis that lost its tail. */
const standing = (campaign: string, unit: number, user: string, stock: number) =>
  database.sql(
    `INSERT INTO issuances (campaign, unit, user, seq, epoch, code, admitted_at, last_unit)
     VALUES (?, ?, ?, ?, 1, ?, now(3), ?)`,
    [campaign, unit, user, 1_000 + unit, codeOf(campaign, unit, user), stock],
  );

const rowsOf = async (campaign: string) =>
  (await database.sql('SELECT unit, user FROM issuances WHERE campaign = ? ORDER BY unit', [campaign])).map(
    ({ unit, user }) => `${String(unit)} ${String(user)}`,
  );
const freeUnits = (duties: Duties, campaign: string) => duties.redis.zrange(keys.free(campaign), 0, '-1');

test('a user with another row in the ledger keeps that one: told its unit, and the own unit goes back once', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 10 });
  const client = duties.client();
  await standing(campaign, 9, 'user-2', 10);
  const tickets = await client.admit(campaign, users(1, 4));
  // Settled by two consumers of one name at once: whoever is first gives the unit back.
  duties.issue(campaign);
  duties.issue(campaign);
  const issued = await client.untilStatus(tickets[1]!, 'issued');
  expect(issued.issuance).toEqual({ unit: 9, code: codeOf(campaign, 9, 'user-2') });
  await client.untilStatus(tickets[3]!, 'issued');
  expect(await freeUnits(duties, campaign)).toEqual(['2']);
  expect(await rowsOf(campaign)).toEqual(['1 user-1', '3 user-3', '4 user-4', '9 user-2']);

  const [next] = await client.admit(campaign, ['user-5']);
  expect((await client.untilStatus(next!, 'issued')).issuance).toMatchObject({ unit: 2 });
  expect(await freeUnits(duties, campaign)).toEqual([]);
});

test('a ticket whose unit is somebody else’s is issued under another one, and the client is told the real unit and code', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 10 });
  const client = duties.client();
  await standing(campaign, 2, 'stranger', 10);
  const tickets = await client.admit(campaign, users(1, 3));
  duties.issue(campaign);
  const issued = await client.untilStatus(tickets[1]!, 'issued');
  expect(issued.issuance).toEqual({ unit: 4, code: codeOf(campaign, 4, 'user-2') });
  expect(await rowsOf(campaign)).toEqual(['1 user-1', '2 stranger', '3 user-3', '4 user-2']);
  expect(await freeUnits(duties, campaign)).toEqual([]);
});

test('a renumbered ticket that is delivered again keeps its new unit, and the lost one is not given to anybody', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 5 });
  const client = duties.client();
  await standing(campaign, 1, 'stranger', 5);
  const [ticket] = await client.admit(campaign, ['user-1']);
  // As left by a worker that died after it had committed the new number: the row stands, the entry is not settled.
  expect(await duties.gate.takeUnit(campaign, 1)).toBe(2);
  await standing(campaign, 2, 'user-1', 5);
  duties.issue(campaign);
  expect((await client.untilStatus(ticket!, 'issued')).issuance).toMatchObject({ unit: 2 });
  expect(await freeUnits(duties, campaign)).toEqual([]);
});

test('a ticket whose unit is taken when none is left is retried, and issued once a unit comes back', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const pace = { attemptsMax: 100, backoffMs: 20 };
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace });
  const campaign = await duties.openCampaign({ stock: 2 });
  const client = duties.client();
  await standing(campaign, 1, 'stranger', 2);
  const tickets = await client.admit(campaign, ['user-1', 'user-2']);
  duties.issue(campaign);
  await client.untilStatus(tickets[0]!, 'retrying');
  await client.untilStatus(tickets[1]!, 'issued');
  await database.sql('DELETE FROM issuances WHERE campaign = ? AND unit = 2', [campaign]);
  await duties.redis.zadd(keys.free(campaign), 2, 2);
  duties.retry();
  expect((await client.untilStatus(tickets[0]!, 'issued')).issuance).toMatchObject({ unit: 2 });
});

test('a worker that dies between two of its batches leaves its entries to another name', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), claimIdleMs: 300 });
  const campaign = await duties.openCampaign({ stock: 10 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 10));
  const dead = duties.source(campaign, 'dead');
  await until('all received', 3_000, async () => (await dead.receive(100)).length > 0);
  await dead.close();
  duties.issue(campaign, { workerName: 'heir' });
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued');
  expect(await rowsOf(campaign)).toHaveLength(10);
});

test.for(['given back', 'discarded'] as const)(
  'a ticket whose unit is somebody else’s put that unit up for sale when it was %s',
  { timeout: 120_000 },
  async (how, t) => {
    const { url: redisUrl } = await startRedis(t);
    const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: { attemptsMax: 2, backoffMs: 20 } });
    const campaign = await duties.openCampaign({ stock: 1 });
    const client = duties.client();
    await standing(campaign, 1, 'stranger', 1);
    const [ticket] = await client.admit(campaign, ['user-1']);
    duties.issue(campaign);
    duties.retry();
    await client.untilStatus(ticket!, 'failed', 60_000);
    const [letter] = await database.sql('SELECT id, unit, reason FROM dead_letters WHERE campaign = ?', [campaign]);
    expect(letter).toMatchObject({ unit: 0, reason: 'no-unit-left' });
    // As a letter of before that still names the unit.
    await database.sql('UPDATE dead_letters SET unit = 1 WHERE id = ?', [letter!.id]);
    const tag = userTag(campaign, 'user-1');
    const view = (await duties.readGates([campaign]))[0]!;
    const given = { campaign, tag, user: 'user-1', unit: 1, names: [{ epoch: 1, seq: 1 }] };
    const cancellation =
      how === 'given back'
        ? await duties.cancellations.cancel(given)
        : await discardLetter(duties.ledger, Number(letter!.id), 'ann').then((it) =>
            it.kind === 'discarded' ? it.cancellation : undefined,
          );
    expect(cancellation).toMatchObject({ user: 'user-1', unit: 0 });
    await duties.returns.giveBack(view, cancellation as Cancellation);
    expect(await freeUnits(duties, campaign)).toEqual([]);
    await client.untilStatus(ticket!, 'cancelled', 60_000);
    expect(await rowsOf(campaign)).toEqual(['1 stranger']);
  },
);
