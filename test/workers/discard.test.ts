import { expect, test } from 'vitest';
import type { Choice } from '../../src/desk/letter-desk.ts';
import { keys } from '../../src/redis/keys.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { codeOf, type Duties, openDuties } from './duties.ts';
import { type DeskDeps, deadLetters, dying, PACE } from './letters.ts';

const database = ownDatabase();
const { lettersOf, statesOf, issued, freeUnits, openDesk, finish, failed } = deadLetters(database);

test('a discarded ticket is cancelled, its unit sold again once under another code', async (t) => {
  const { duties, campaign, client, names, tickets, relent } = await failed(t, 1);
  const desk = openDesk(duties);
  const choices: Choice[] = [{ campaign, reason: 'another' }, { campaign }, { campaign }];
  const works = [];
  for (const choice of choices) works.push(await desk.discard(choice, 'ann'));
  expect(works.map(({ done }) => done)).toEqual([0, 1, 0]);
  await client.untilStatus(tickets[0]!, 'cancelled');
  expect(await freeUnits(duties, campaign)).toEqual(['1']);
  await relent();
  const [next] = await until('the unit is for sale again', 3_000, () =>
    client.admit(campaign, ['next-buyer']).catch(() => undefined),
  );
  const body = await client.untilStatus(next!, 'issued', 10_000);
  expect(body.issuance).toEqual({ unit: 1, code: codeOf(campaign, 1, 'next-buyer') });
  expect(body.issuance!.code).not.toBe(codeOf(campaign, 1, names[0]!));
  expect(await freeUnits(duties, campaign)).toEqual([]);
  expect(await database.sql('SELECT user, kind, actor FROM cancellations WHERE campaign = ?', [campaign])).toEqual([
    { user: names[0], kind: 'discarded', actor: 'ann' },
  ]);
  // The job of before is late: it must not issue what was discarded.
  const job = {
    campaign,
    epoch: 1,
    seq: 1,
    unit: 1,
    user: names[0]!,
    admittedAt: Date.now(),
    reason: 'x',
    traceparent: '',
  };
  await duties.retryWork.attempt(job);
  expect(await issued(campaign)).toEqual(['1 next-buyer']);
});

const DISCARD_CRASHES: [string, (duties: Duties) => Partial<DeskDeps>][] = [
  ['the ledger and the gate', ({ returns }) => ({ returns: { ...returns, giveBack: dying } })],
  ['the gate and the note that it was told', () => ({ cancellations: { markReturned: dying } })],
];

test.for(DISCARD_CRASHES)(
  'a discard that died between %s is finished by a worker, and returns the unit once',
  async ([, broken], t) => {
    const { duties, campaign, client, tickets } = await failed(t, 1);
    await openDesk(duties, broken(duties)).discard({ campaign }, 'ann');
    expect(await duties.cancellations.listUnreturned(-1_000)).toHaveLength(1);
    finish(duties);
    finish(duties);
    await client.untilStatus(tickets[0]!, 'cancelled', 10_000);
    await until('it is noted', 5_000, async () => (await duties.cancellations.listUnreturned(-1_000)).length === 0);
    expect(await freeUnits(duties, campaign)).toEqual(['1']);
    expect((await duties.readGates([campaign]))[0]).toMatchObject({ remaining: 1, cancelledCount: 1 });
  },
);

test('a letter whose ticket was issued all the same is not discarded', async (t) => {
  const { duties, campaign, names } = await failed(t, 1);
  await database.sql(
    "INSERT INTO dead_letters (campaign, seq, epoch, unit, user, reason, detail, attempts) VALUES (?, 9, 1, 1, 'lucky', 'x', '', 1)",
    [campaign],
  );
  await database.sql(
    `INSERT INTO issuances (campaign, unit, user, seq, epoch, code, admitted_at, last_unit)
     VALUES (?, 1, 'lucky', 9, 1, ?, now(3), 1)`,
    [campaign, codeOf(campaign, 1, 'lucky')],
  );
  const { done, skipped } = await openDesk(duties).discard(
    { campaign, tickets: ['x', String((await lettersOf(campaign))[1]!.id)] },
    'ann',
  );
  expect([done, skipped.map(({ why }) => why)]).toEqual([0, ['no-such-ticket', 'issued-meanwhile']]);
  expect(await issued(campaign)).toEqual(['1 lucky']);
  expect(await statesOf(campaign)).toEqual(['kept', 'redriven']);
  expect(names).toHaveLength(1);
});

test('a letter that nobody could read is told so by a redrive, and is discarded by its seq', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: PACE });
  const campaign = await duties.openCampaign({ stock: 5 });
  const client = duties.client();
  const [ticket] = await client.admit(campaign, ['user-1']);
  // An intruder took the user out of the entry.
  const work = keys.work(campaign, 0);
  await duties.redis.del(work);
  await duties.redis.xadd(work, '1-0', 'unit', '1', 'admitted_at', '5');
  duties.issue(campaign);
  await client.untilStatus(ticket!, 'failed');
  const desk = openDesk(duties);
  expect((await desk.redrive({ campaign }, 'ann')).skipped).toEqual([
    { id: expect.any(Number), why: 'not-redrivable' },
  ]);
  expect(await statesOf(campaign)).toEqual(['kept']);
  expect(await desk.discard({ campaign }, 'ann')).toMatchObject({ done: 1, left: 0 });
  expect(await duties.redis.hget(keys.exceptions(campaign), '1')).toBe('cancelled:');
  expect(await freeUnits(duties, campaign)).toEqual([]);
});
