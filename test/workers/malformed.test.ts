import { expect, test } from 'vitest';
import { keys } from '../../src/redis/keys.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from './duties.ts';

const database = ownDatabase();

/** Entries as somebody with the password may write them. */
const MALFORMED: Record<string, string[]> = {
  'a field that poisons objects': ['__proto__', 'polluted', 'user', 'mallory', 'unit', '1'],
  'a prototype as the user': ['user', '__proto__', 'unit', 'constructor', 'admitted_at', '1'],
  'no field that is known': ['hello', 'world'],
  'a field of 1 MB': ['user', 'x'.repeat(1_000_000), 'unit', '1', 'admitted_at', '1'],
  'a user that is none': ['user', ' spaces and \u0000 ', 'unit', '1', 'admitted_at', '1'],
  'a number that JavaScript would take': ['user', 'mallory', 'unit', '0x10', 'admitted_at', '1'],
  'a unit beyond 32 bits': ['user', 'mallory', 'unit', '4294967296', 'admitted_at', '1'],
  'a time before all times': ['user', 'mallory', 'unit', '1', 'admitted_at', '-1'],
};

test('malformed entries become dead letters with what was found, and the tickets between them are issued', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 20 });
  const client = duties.client();
  const before = await client.admit(campaign, users(1, 10));
  const intruders = Object.values(MALFORMED);
  for (const [index, fields] of intruders.entries()) {
    await duties.redis.xadd(keys.work(campaign, 0), `${11 + index}-0`, ...fields);
  }
  await duties.redis.hset(keys.gate(campaign), 'seq', 10 + intruders.length);
  const after = await client.admit(campaign, users(11, 20));
  duties.issue(campaign);

  for (const ticket of [...before, ...after]) await client.untilStatus(ticket, 'issued');
  const letters = await database.sql(
    'SELECT seq, reason, attempts, user, unit, raw, state FROM dead_letters WHERE campaign = ? ORDER BY seq',
    [campaign],
  );
  expect(letters.map(({ seq, reason, state }) => [seq, reason, state])).toEqual(
    intruders.map((_, index) => [11 + index, 'malformed-entry', 'kept']),
  );
  expect(letters[0]!.raw).toContain('"__proto__":"polluted"');
  expect(letters.map(({ raw }) => String(raw).length).every((length) => length <= 2_000)).toBe(true);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(await database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [campaign])).toEqual([{ n: 20 }]);
  expect(await duties.redis.xpending(keys.work(campaign, 0), 'issuers')).toEqual([0, null, null, null]);
  expect(await duties.redis.xlen(keys.work(campaign, 0))).toBe(0);
});

test('an entry whose id no gate gives is taken off the stream and holds up nobody', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 10 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 5));
  const work = keys.work(campaign, 0);
  await duties.redis.xadd(work, '5-7', 'user', 'mallory', 'unit', '9', 'admitted_at', '1');
  tickets.push(...(await client.admit(campaign, users(6, 10))));
  await duties.redis.xadd(work, '10-99', 'hello', 'world');
  duties.issue(campaign);

  for (const ticket of tickets) await client.untilStatus(ticket, 'issued');
  await until(
    'nothing is pending',
    3_000,
    async () => ((await duties.redis.xpending(work, 'issuers')) as number[])[0] === 0,
  );
  expect(duties.foreign).toEqual(['5-7', '10-99']);
  expect(await database.sql("SELECT * FROM issuances WHERE campaign = ? AND user = 'mallory'", [campaign])).toEqual([]);
  expect(await database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [campaign])).toEqual([{ n: 10 }]);
});

test('entries that were trimmed while pending are dead letters, not silence', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 3 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 3));
  const held = duties.source(campaign);
  await until('all received', 3_000, async () => (await held.receive(100)).length > 0);
  await held.close();
  await duties.redis.xdel(keys.work(campaign, 0), '2-0');
  duties.issue(campaign);

  await client.untilStatus(tickets[0]!, 'issued');
  await client.untilStatus(tickets[2]!, 'issued');
  expect(await client.untilStatus(tickets[1]!, 'failed')).toMatchObject({ problem: { title: 'malformed-entry' } });
  expect(await database.sql('SELECT seq, raw FROM dead_letters WHERE campaign = ?', [campaign])).toEqual([
    { seq: 2, raw: '{}' },
  ]);
});
