import { expect, type TestContext, test } from 'vitest';
import { type Choice, createLetterDesk } from '../../src/admission/letter-desk.ts';
import { userTag } from '../../src/domain/ids.ts';
import { cancellationStore, letterStore } from '../../src/ledger/letter-store.ts';
import { keys } from '../../src/redis/keys.ts';
import { finishHalfDone } from '../../workers/finisher.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { codeOf, type Duties, openDuties, users } from './duties.ts';

const database = ownDatabase();
const PACE = { attemptsMax: 2, backoffMs: 10 };

/** The database refuses these users' rows until it relents. */
async function refuse(t: TestContext, prefix: string): Promise<() => Promise<void>> {
  const name = `refuse_${prefix.replaceAll('-', '_')}`;
  await database.sql(
    `CREATE TRIGGER ${name} BEFORE INSERT ON issuances FOR EACH ROW
       IF NEW.user LIKE '${prefix}%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused on purpose'; END IF`,
  );
  const relent = async () => void (await database.sql(`DROP TRIGGER IF EXISTS ${name}`));
  t.onTestFinished(relent);
  return relent;
}

const lettersOf = (campaign: string) =>
  database.sql('SELECT * FROM dead_letters WHERE campaign = ? ORDER BY seq', [campaign]);
const statesOf = async (campaign: string) => (await lettersOf(campaign)).map(({ state }) => state);
const issued = async (campaign: string) =>
  (await database.sql('SELECT unit, user FROM issuances WHERE campaign = ? ORDER BY unit', [campaign])).map(
    ({ unit, user }) => `${String(unit)} ${String(user)}`,
  );
const freeUnits = ({ redis }: Duties, campaign: string) => redis.zrange(keys.free(campaign), 0, '-1');

/** A desk on a pool of its own, as another front would have it. */
function openDesk(duties: Duties, other: Partial<Parameters<typeof createLetterDesk>[0]> = {}) {
  const ledger = database.open({ name: 'another-front' });
  return createLetterDesk({
    store: letterStore(ledger),
    cancellations: cancellationStore(ledger),
    returns: duties.returns,
    readGates: duties.readGates,
    scheduleRetry: duties.retries.schedule,
    readTicket: () => undefined,
    onError: (error) => duties.errors.push(error),
    ...other,
  });
}

const finish = (duties: Duties) =>
  duties.run((stopping) =>
    finishHalfDone(
      {
        store: duties.letters,
        cancellations: duties.cancellations,
        returns: duties.returns,
        readGates: duties.readGates,
        scheduleRetry: duties.retries.schedule,
        idleMs: 50,
        onError: (error) => duties.errors.push(error),
      },
      stopping,
    ),
  );

/** A campaign whose first `count` buyers ended as dead letters; what they hold, and how to let them be issued. */
async function failed(t: TestContext, count: number, stock = count) {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: PACE });
  const campaign = await duties.openCampaign({ stock });
  const client = duties.client();
  const prefix = uniqueName('u');
  const names = users(1, count).map((user) => `${prefix}-${user}`);
  const tickets = await client.admit(campaign, names);
  const relent = await refuse(t, prefix);
  duties.issue(campaign);
  const stopRetrying = duties.retry();
  for (const ticket of tickets) await client.untilStatus(ticket, 'failed', 15_000);
  await until(
    'the jobs are gone',
    5_000,
    async () => (await duties.redis.keys('{sluice-retry}:issuance:t-*')).length === 0,
  );
  return { duties, campaign, client, names, tickets, relent, stopRetrying };
}

test('a redriven ticket is told retrying and then issued to who polls it, and says where it was given up', async (t) => {
  const { duties, campaign, client, names, tickets, relent, stopRetrying } = await failed(t, 1);
  expect(await lettersOf(campaign)).toMatchObject([
    { reason: 'rejected', detail: 'refused on purpose', attempts: 2, state: 'kept', redrive_count: 0 },
  ]);
  await stopRetrying();
  await relent();
  const desk = openDesk(duties);
  const dry = await desk.redrive({ campaign, dryRun: true }, 'ann');
  expect(dry).toEqual({ campaign, dryRun: true, matching: 1, done: 1, left: 1, skipped: [] });
  expect(await statesOf(campaign)).toEqual(['kept']);

  const done = await desk.redrive({ campaign }, 'ann');
  expect(done).toEqual({ campaign, dryRun: false, matching: 1, done: 1, left: 0, skipped: [] });
  await client.untilStatus(tickets[0]!, 'retrying');
  duties.retry();
  const body = await client.untilStatus(tickets[0]!, 'issued');
  expect(body.issuance).toEqual({ unit: 1, code: codeOf(campaign, 1, names[0]!) });
  expect(await statesOf(campaign)).toEqual(['redriven']);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ retryingCount: 0, remaining: 0 });
  expect(await duties.redis.hgetall(keys.exceptions(campaign))).toEqual({});
  const audit = await database.sql(
    "SELECT actor, `before`, `after` FROM audit_log WHERE campaign = ? AND action = 'redrive'",
    [campaign],
  );
  expect(
    audit.map(({ actor, before, after }) => [actor, JSON.parse(String(before)).state, JSON.parse(String(after))]),
  ).toEqual([
    ['ann', 'kept', expect.objectContaining({ state: 'redriving', redriveCount: 1, user: names[0], seq: 1 })],
  ]);
});

test('a redriven ticket that fails again is kept again, its attempts added up, and can be redriven again', async (t) => {
  const { duties, campaign, client, tickets, relent } = await failed(t, 1);
  const desk = openDesk(duties);
  for (const round of [1, 2]) {
    expect(await desk.redrive({ campaign }, 'ann')).toMatchObject({ done: 1 });
    await until('it is kept again', 10_000, async () => (await statesOf(campaign))[0] === 'kept');
    await client.untilStatus(tickets[0]!, 'failed');
    expect(await lettersOf(campaign)).toMatchObject([{ attempts: 2 + 2 * round, redrive_count: round }]);
  }
  await relent();
  await desk.redrive({ campaign }, 'ann');
  await client.untilStatus(tickets[0]!, 'issued', 10_000);
  expect(await issued(campaign)).toHaveLength(1);
});

test('two operators on two fronts who redrive and discard the same letters at once do each letter one thing', async (t) => {
  const { duties, campaign, client, names, tickets, relent } = await failed(t, 24);
  await relent();
  const [one, two, three] = [openDesk(duties), openDesk(duties), openDesk(duties)];
  const works = await Promise.all([
    one.redrive({ campaign }, 'ann'),
    two.redrive({ campaign }, 'bob'),
    three.discard({ campaign }, 'cid'),
  ]);
  expect(works.map(({ done }) => done).reduce((sum, done) => sum + done)).toBe(24);
  expect(works[0]!.left).toBe(0);
  const discarded = works[2]!.done;
  const ends = await Promise.all(
    tickets.map((ticket) =>
      until('an end', 10_000, async () => {
        const { status } = await client.poll(ticket);
        return ['issued', 'cancelled'].includes(status) ? status : undefined;
      }),
    ),
  );
  expect(ends.filter((status) => status === 'cancelled')).toHaveLength(discarded);
  expect(await issued(campaign)).toHaveLength(24 - discarded);
  expect(await freeUnits(duties, campaign)).toHaveLength(discarded);
  expect((await statesOf(campaign)).toSorted()).toEqual(
    [...Array(discarded).fill('discarded'), ...Array(24 - discarded).fill('redriven')].toSorted(),
  );
  expect(new Set(names).size).toBe(24);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ retryingCount: 0, remaining: discarded });
  const audits = await database.sql("SELECT id FROM audit_log WHERE campaign = ? AND action <> 'create'", [campaign]);
  expect(audits).toHaveLength(24);
}, 40_000);

const dying = async (): Promise<never> => {
  throw new Error('died here');
};
const CRASHES: [string, (duties: Duties) => Partial<Parameters<typeof createLetterDesk>[0]>][] = [
  ['its claim and the gate', ({ returns }) => ({ returns: { ...returns, redrive: dying } })],
  ['the gate and its job', () => ({ scheduleRetry: dying })],
  ['its job and the last word', ({ letters }) => ({ store: { ...letters, endRedrive: dying } })],
];

test.for(CRASHES)('a redrive that died between %s is finished by a worker, and issued once', async ([, broken], t) => {
  const { duties, campaign, client, tickets, relent } = await failed(t, 2);
  await relent();
  const first = String((await lettersOf(campaign))[0]!.id);
  const desk = openDesk(duties, broken(duties));
  await expect(desk.redrive({ campaign, tickets: [first] }, 'ann')).rejects.toThrow('died here');
  expect(await statesOf(campaign)).toEqual(['redriving', 'kept']);
  // Nobody else gets hold of it meanwhile.
  expect(await openDesk(duties).discard({ campaign, tickets: [first] }, 'bob')).toMatchObject({
    matching: 0,
    done: 0,
  });
  finish(duties);
  finish(duties);
  await client.untilStatus(tickets[0]!, 'issued', 10_000);
  await until('it is redriven', 5_000, async () => (await statesOf(campaign))[0] === 'redriven');
  expect(await issued(campaign)).toHaveLength(1);
  expect(await client.poll(tickets[1]!)).toMatchObject({ status: 'failed' });
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ retryingCount: 0 });
});

test('late word of an attempt before the redrive neither keeps the letter again nor tells the ticket failed', async (t) => {
  const { duties, campaign, client, names, tickets, stopRetrying, relent } = await failed(t, 1);
  await stopRetrying();
  await openDesk(duties).redrive({ campaign }, 'ann');
  const job = {
    campaign,
    epoch: 1,
    seq: 1,
    unit: 1,
    user: names[0]!,
    admittedAt: Date.now(),
    reason: 'rejected',
    traceparent: '',
  };
  await duties.retryWork.bury(job, 'rejected: late', 9);
  expect(await lettersOf(campaign)).toMatchObject([{ state: 'redriven', attempts: 2, redrive_count: 1 }]);
  expect(await client.poll(tickets[0]!)).toMatchObject({ status: 'retrying' });
  // And where it was faster than that check, the success of the redrive is told all the same.
  const [shape] = await duties.readGates([campaign]);
  await duties.gate.resolve(shape!, userTag(campaign, names[0]!), { status: 'failed', reason: 'late' });
  await relent();
  duties.retry();
  await client.untilStatus(tickets[0]!, 'issued', 10_000);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ retryingCount: 0 });
});

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

const DISCARD_CRASHES: [string, (duties: Duties) => Partial<Parameters<typeof createLetterDesk>[0]>][] = [
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

test('what its user gives back while it is retried is cancelled by the retrier, its unit returned once', async (t) => {
  const { duties, campaign, client, names, tickets, stopRetrying, relent } = await failed(t, 2);
  await stopRetrying();
  await openDesk(duties).redrive({ campaign }, 'ann');
  // Of the second one an attempt has committed a row and died before it could say so.
  const [view] = await duties.readGates([campaign]);
  await relent();
  const issueBatch = duties.issuerDeps.issueBatch;
  const row = {
    campaign,
    epoch: 1,
    seq: 2,
    unit: 2,
    user: names[1]!,
    admittedAt: 5,
    code: codeOf(campaign, 2, names[1]!),
  };
  expect(await issueBatch([row])).toEqual([{ kind: 'issued' }]);
  for (const name of names) {
    expect((await duties.returns.cancel(view!, userTag(campaign, name))).state).toBe('cancelling');
  }
  expect(await client.poll(tickets[0]!)).toMatchObject({ status: 'retrying' });
  duties.retry();
  duties.retry();
  for (const ticket of tickets) await client.untilStatus(ticket, 'cancelled', 10_000);
  expect(await issued(campaign)).toEqual([]);
  expect(await freeUnits(duties, campaign)).toEqual(['1', '2']);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ retryingCount: 0, remaining: 2, cancelledCount: 2 });
  await until('noted', 5_000, async () => (await duties.cancellations.listUnreturned(-1_000)).length === 0);
  expect(await statesOf(campaign)).toEqual(['discarded', 'discarded']);
});
