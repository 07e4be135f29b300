import { expect, type TestContext, test } from 'vitest';
import { couponCode } from '../../src/domain/coupon.ts';
import { userTag } from '../../src/domain/ids.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { startRedis } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import { deliver as deliverByHand, settleAs as settleByHand } from './by-hand.ts';
import type { Answer } from './client.ts';
import { COUPON_KEY, fronts, newKey, type TestFront } from './front.ts';
import { issue } from './issue.ts';

const file = fronts();
const front = file.shared();

const freeUnits = (campaign: string) => front().redis.zrange(keys.free(campaign), 0, '-1');
const rows = (campaign: string) =>
  file.database.sql('SELECT unit, user, code FROM issuances WHERE campaign = ? ORDER BY unit', [campaign]);
const cancellations = (campaign: string) =>
  file.database.sql(
    'SELECT seq, user, unit, kind, actor, returned_at IS NOT NULL AS returned FROM cancellations WHERE campaign = ?',
    [campaign],
  );
const returned = (user: string | null, unit: number) => ({
  seq: unit,
  user,
  unit,
  kind: 'cancelled',
  actor: 'user',
  returned: 1,
});
const statusOf = async (ticket: string, of: TestFront = front()) => (await of.poll(ticket)).body.status;
const untilStatus = (ticket: string, status: string, of?: TestFront) =>
  until(`a ticket that is ${status}`, 5_000, async () => (await statusOf(ticket, of)) === status);

const deliver = (campaign: string) => deliverByHand(front(), campaign);
const settleAs = (campaign: string, outcome: 'retrying:' | 'failed:rejected') =>
  settleByHand(front(), file.ledger(), campaign, outcome);

type Bring = (t: TestContext, campaign: string, ticket: string) => Promise<unknown>;
const STATES: [string, number, Bring][] = [
  ['queued', 200, async () => undefined],
  [
    'issued',
    200,
    async (t, campaign, ticket) => {
      await issue(t, front(), file.ledger(), campaign);
      await untilStatus(ticket, 'issued');
    },
  ],
  ['failed', 200, (_, campaign) => settleAs(campaign, 'failed:rejected')],
  ['retrying', 202, (_, campaign) => settleAs(campaign, 'retrying:')],
  ['pending', 503, (_, campaign) => deliver(campaign)],
];

test.for(STATES)(
  'a ticket that is %s is given back by two at once with the same answer, its unit once',
  async (row, t) => {
    const [state, expected, bringAbout] = row;
    const campaign = await front().create({ stock: 1 });
    const [ticket] = await front().admit(campaign, 1, 1);
    await bringAbout(t, campaign, ticket!);
    const another = await file.start(t);
    const answers = await Promise.all([
      front().giveBack(ticket!),
      another.giveBack(ticket!),
      front().giveBack(ticket!),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([expected, expected, expected]);
    if (expected === 503) {
      for (const { headers } of answers) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await statusOf(ticket!)).toBe('queued');
    } else {
      const told = state === 'retrying' ? 'retrying' : 'cancelled';
      for (const { body } of answers) expect(body).toMatchObject({ ticket, status: told, seq: 1 });
      await untilStatus(ticket!, told);
    }
    const isBack = expected === 200;
    expect(await freeUnits(campaign)).toEqual(isBack ? ['1'] : []);
    // Of one that is retried the ledger knows at once that it is cancelled; the retrier returns its unit.
    const written = state === 'retrying' ? [{ ...returned(null, 0), seq: 1 }] : isBack ? [returned('user-1', 1)] : [];
    expect(await cancellations(campaign)).toEqual(written);
    expect(await rows(campaign)).toEqual([]);
    const counts = (await front().readGates([campaign]))[0]!;
    expect(counts).toMatchObject({ retryingCount: state === 'retrying' ? 1 : 0, cancelledCount: isBack ? 1 : 0 });
    expect(counts.settledCount).toBe(state === 'pending' ? 0 : 1);
    if (state === 'failed') {
      const [letter] = await file.database.sql('SELECT state FROM dead_letters WHERE campaign = ?', [campaign]);
      expect(letter).toEqual({ state: 'discarded' });
    }
  },
);

test('a unit that came back is sold again, with another code; who gave it back keeps the cancelled ticket', async (t) => {
  const campaign = await front().create({ stock: 1 });
  const [ticket] = await front().admit(campaign, 1, 1);
  await issue(t, front(), file.ledger(), campaign);
  await untilStatus(ticket!, 'issued');
  const { code } = (await front().poll(ticket!)).body.issuance as { code: string };
  expect((await front().giveBack(ticket!, { 'x-user-id': 'user-1' })).status).toBe(200);
  expect((await front().join(campaign, 'user-1')).body).toMatchObject({ ticket, status: 'cancelled' });
  const next = await until('the unit is for sale again', 3_000, async () => {
    const answer = await front().join(campaign, 'user-2');
    return answer.status === 202 ? answer.body.ticket : undefined;
  });
  await untilStatus(next, 'issued');
  const theirs = couponCode(COUPON_KEY, campaign, 1, userTag(campaign, 'user-2'));
  expect((await front().poll(next)).body.issuance).toEqual({ unit: 1, code: theirs });
  expect(theirs).not.toBe(code);
  expect(await rows(campaign)).toEqual([{ unit: 1, user: 'user-2', code: theirs }]);
  // Late word of the first buyer changes nothing for the second.
  expect((await front().giveBack(ticket!)).body.status).toBe('cancelled');
  expect(await freeUnits(campaign)).toEqual([]);
  expect(await statusOf(next)).toBe('issued');
});

test('forged and foreign tickets get the 404 of an unknown one, and nothing is given back', async (t) => {
  const stranger = await file.start(t, { ticketKeys: { current: 1, keys: new Map([[1, newKey()]]) } });
  const campaign = await front().create();
  const [ticket] = await front().admit(campaign, 1, 1);
  const unknown = await front().giveBack('x');
  const refused = [
    await front().giveBack(`${ticket!.slice(0, -1)}${ticket!.endsWith('A') ? 'Q' : 'A'}`),
    await front().giveBack(ticket!, { 'x-user-id': 'user-2' }),
    await front().giveBack(ticket!, { 'x-user-id': '' }),
    await stranger.giveBack(ticket!),
  ];
  for (const { status, text } of refused) expect([status, text]).toEqual([404, unknown.text]);
  expect(await statusOf(ticket!)).toBe('queued');
});

test('every front tells a ticket cancelled, also one that has told it issued or waiting', async (t) => {
  const another = await file.start(t);
  const campaign = await front().create({ stock: 10, shards: 1 });
  const tickets = await front().admit(campaign, 1, 3);
  expect(await Promise.all(tickets.map((ticket) => statusOf(ticket, another)))).toEqual(Array(3).fill('queued'));
  // The last of its shard: no watermark will ever pass it by itself.
  expect((await front().giveBack(tickets[2]!)).status).toBe(200);
  await untilStatus(tickets[2]!, 'cancelled', another);
  expect(await statusOf(tickets[1]!, another)).toBe('queued');
  await issue(t, front(), file.ledger(), campaign);
  await untilStatus(tickets[0]!, 'issued', another);
  expect((await front().giveBack(tickets[0]!)).status).toBe(200);
  await untilStatus(tickets[0]!, 'cancelled', another);
  const latecomer = await file.start(t);
  expect(await statusOf(tickets[0]!, latecomer)).toBe('cancelled');
});

test('who waits in a long-poll hears that the ticket was given back elsewhere', async (t) => {
  const another = await file.start(t);
  const campaign = await front().create();
  const [ticket, kept] = await front().admit(campaign, 1, 2);
  // It began to wait earlier, for as long: when it waits still, the other one's time was not over.
  const longer = another.poll(kept!, { prefer: 'wait=30' });
  await until('the first waits', () => another.waiterCount() === 1);
  const waiting = another.poll(ticket!, { prefer: 'wait=30' });
  await until('both wait', () => another.waiterCount() === 2);
  await front().giveBack(ticket!);
  expect((await waiting).body.status).toBe('cancelled');
  expect(another.waiterCount()).toBe(1);
  another.drain();
  await longer;
});

test('a ticket in the hands of a worker is given back once that is done with it, within the wait', async (t) => {
  const campaign = await front().create({ stock: 1 });
  const [ticket] = await front().admit(campaign, 1, 1);
  await deliver(campaign);
  const asked = front().giveBack(ticket!);
  // The worker that had it ends; its successor of the same name takes it up.
  const { redis } = front();
  await redis.call('XCLAIM', keys.work(campaign, 1), GROUP, 'test-issuer', 0, '1-0');
  await issue(t, front(), file.ledger(), campaign);
  const answer = await asked;
  expect([answer.status, answer.body.status]).toEqual([200, 'cancelled']);
  expect(await rows(campaign)).toEqual([]);
  expect(await freeUnits(campaign)).toEqual(['1']);
});

test('of a sale whose every buyer gives back while workers issue, each unit comes back once', async (t) => {
  const campaign = await front().create({ stock: 60, shards: 2 });
  const another = await file.start(t);
  const tickets = await front().admit(campaign, 1, 60);
  await issue(t, front(), file.ledger(), campaign);
  const giveBack = async (ticket: string, of: TestFront): Promise<Answer> => {
    for (;;) {
      const answer = await of.giveBack(ticket);
      if (answer.status !== 503) return answer;
    }
  };
  const answers = await Promise.all(
    tickets.flatMap((ticket) => [giveBack(ticket, front()), giveBack(ticket, another)]),
  );
  expect(new Set(answers.map(({ status, body }) => `${status} ${body.status}`))).toEqual(new Set(['200 cancelled']));
  expect(await freeUnits(campaign)).toHaveLength(60);
  expect(await rows(campaign)).toEqual([]);
  expect(await cancellations(campaign)).toHaveLength(60);
  const view = (await front().readGates([campaign]))[0]!;
  expect(view).toMatchObject({ remaining: 60, settledCount: 60, retryingCount: 0, cancelledCount: 60 });
});

test('while the ledger is away a place still goes back, is told when the ledger has it, and nothing is lost', async (t) => {
  const proxy = await startTcpProxy(t, file.database.url());
  const options = { name: 'status', connectionMax: 2, queueMax: 10, acquireMs: 300, statementMs: 500 };
  const ledger = openLedger({ ...options, url: proxy.url });
  t.onTestFinished(() => ledger.close());
  const cut = await file.start(t, { statusLedger: ledger });
  const campaign = await front().create({ stock: 2 });
  const [queued, issued] = await front().admit(campaign, 1, 2);
  proxy.set('reset');
  const unknown = await cut.giveBack(queued!);
  expect([unknown.status, Number(unknown.headers.get('retry-after')) > 0]).toEqual([503, true]);
  expect(await freeUnits(campaign)).toEqual(['1']);
  await issue(t, front(), file.ledger(), campaign);
  await untilStatus(issued!, 'issued');
  expect((await cut.giveBack(issued!)).status).toBe(503);
  expect(await statusOf(issued!)).toBe('issued');
  proxy.set('pass');
  for (const ticket of [queued!, issued!]) {
    await until('the ledger is back', 5_000, async () => (await cut.giveBack(ticket)).status === 200);
  }
  const both = [
    { seq: 1, user: null, unit: 1 },
    { seq: 2, user: 'user-2', unit: 2 },
  ];
  expect((await cancellations(campaign)).toSorted((a, b) => Number(a.seq) - Number(b.seq))).toMatchObject(both);
  expect(await freeUnits(campaign)).toEqual(['1', '2']);
});

test('a crash between the ledger and the gate: asking again returns the unit', async (t) => {
  const campaign = await front().create({ stock: 1 });
  const [ticket] = await front().admit(campaign, 1, 1);
  await issue(t, front(), file.ledger(), campaign);
  await untilStatus(ticket!, 'issued');
  // As left by a front that died after its transaction.
  await file.database.sql('DELETE FROM issuances WHERE campaign = ?', [campaign]);
  await file.database.sql(
    "INSERT INTO cancellations (campaign, epoch, seq, user, unit, kind, actor) VALUES (?, 1, 1, 'user-1', 1, 'cancelled', 'user')",
    [campaign],
  );
  expect((await front().giveBack(ticket!)).body.status).toBe('cancelled');
  expect(await freeUnits(campaign)).toEqual(['1']);
  expect(await cancellations(campaign)).toEqual([returned('user-1', 1)]);
});

test('what the gate calls issued and the ledger does not hold cannot be given back: 409, and no unit is made', async (t) => {
  const campaign = await front().create({ stock: 1 });
  const [ticket] = await front().admit(campaign, 1, 1);
  await issue(t, front(), file.ledger(), campaign);
  await untilStatus(ticket!, 'issued');
  await file.database.sql('DELETE FROM issuances WHERE campaign = ?', [campaign]);
  const answer = await front().giveBack(ticket!);
  expect([answer.status, answer.body.type]).toEqual([409, 'urn:problem-type:sluice:ticket-unaccounted']);
  expect(await freeUnits(campaign)).toEqual([]);
});

test('while Redis is away the answer is 503 at once', async (t) => {
  const proxy = await startTcpProxy(t, (await startRedis(t)).url);
  const other = await file.start(t, { redisUrl: proxy.url });
  const [ticket] = await other.admit(await other.create(), 1, 1);
  proxy.set('reset');
  await until('the outage is noticed', 2_000, async () => (await other.ask('/readyz')).status === 503);
  const answer = await other.giveBack(ticket!);
  expect([answer.status, answer.body.type]).toEqual([503, expect.stringContaining('temporary-reduced-capacity')]);
});
