import { expect, test } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import { keys } from '../../src/redis/keys.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { codeOf, type Duties } from './duties.ts';
import { type DeskDeps, deadLetters, dying } from './letters.ts';

const database = ownDatabase();
const { lettersOf, statesOf, issued, freeUnits, openDesk, finish, failed } = deadLetters(database);

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
  const states = await statesOf(campaign);
  expect(states.filter((state) => state === 'discarded')).toHaveLength(discarded);
  expect(states.filter((state) => state === 'redriven')).toHaveLength(24 - discarded);
  expect(new Set(names).size).toBe(24);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ retryingCount: 0, remaining: discarded });
  const audits = await database.sql("SELECT id FROM audit_log WHERE campaign = ? AND action <> 'create'", [campaign]);
  expect(audits).toHaveLength(24);
});

const CRASHES: [string, (duties: Duties) => Partial<DeskDeps>][] = [
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
  await duties.retryWork.bury(job, { reason: 'rejected', detail: 'late' }, 9);
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
  expect(await issueBatch([row], 1)).toEqual([{ kind: 'issued' }]);
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

test('a redriven ticket began without its trace', async (t) => {
  const { duties, campaign, relent } = await failed(t, 1);
  await relent();
  const trace_id = '4bf92f3577b34da6a3ce929d0e0e4736';
  await database.sql('UPDATE dead_letters SET trace_id = ? WHERE campaign = ?', [trace_id, campaign]);
  const scheduled: string[] = [];
  const desk = openDesk(duties, { scheduleRetry: async ({ traceparent }) => void scheduled.push(traceparent) });
  await desk.redrive({ campaign }, 'ann');
  expect(scheduled).toEqual([expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!0{16})[0-9a-f]{16}-01$/)]);
});
