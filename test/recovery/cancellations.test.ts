// A ticket has a row or a cancellation, whatever moves between the two. Each test is named for what went wrong.
import { expect, type TestContext, test } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import type { IssuanceRow } from '../../src/domain/issuance.ts';
import { createGateBuilder } from '../../src/gate/redis/gate-builder.ts';
import { createGateContents } from '../../src/gate/redis/gate-contents.ts';
import { renumber } from '../../src/issuing/renumber.ts';
import { epochStore } from '../../src/ledger/epoch-store.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { cancellationStore } from '../../src/ledger/letter-store.ts';
import { pause } from '../../src/process/lifecycle.ts';
import { reconcile } from '../../src/recovery/reconcile.ts';
import { recoverGate } from '../../src/recovery/recover.ts';
import { keys } from '../../src/redis/keys.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import { openSale, tally } from '../ledger/sale.ts';
import { openDuties } from '../workers/duties.ts';

const file = fronts();
const { database } = file;
const PACE = { attemptsMax: 3, backoffMs: 20 };

/** A front, and the duties of a worker that only do what a test asks for. */
async function openShop(t: TestContext) {
  const { url } = await startRedis(t);
  const front = await file.start(t, { redisUrl: url });
  const duties = openDuties(t, { redisUrl: url, ledger: file.ledger(), pace: PACE });
  const campaign = await front.create({ stock: 9, shards: 1 });
  const parts = {
    gates: createGateBuilder(duties.redis, 0),
    contents: createGateContents(duties.redis),
    readGates: duties.readGates,
    ledger: epochStore(file.ledger()),
    listRetries: (id: string) => duties.retries.list(id),
    worker: 'tester',
    graceMs: 0,
  };
  return {
    ...duties,
    redisUrl: url,
    front,
    campaign,
    repair: () => recoverGate(parts, campaign, true),
    recover: () => recoverGate(parts, campaign),
    differences: () => reconcile(parts, campaign),
    free: () => duties.redis.zrange(keys.free(campaign), 0, '-1'),
    view: async () => (await duties.readGates([campaign]))[0]!,
    rows: () => database.sql('SELECT unit, user FROM issuances WHERE campaign = ? ORDER BY unit', [campaign]),
    cancellations: () =>
      database.sql('SELECT user, unit, returned_at IS NOT NULL AS returned FROM cancellations WHERE campaign = ?', [
        campaign,
      ]),
    /** The ticket of user-1, settled as one that is retried; `unit` is that of its job. */
    async retried(unit: number): Promise<string> {
      const [ticket] = await front.admit(campaign, 1, 1);
      const source = duties.source(campaign, 'reader');
      const [batch] = await until('a batch', async () => {
        const batches = await source.receive(1_000);
        return batches.length > 0 ? batches : undefined;
      });
      const job = { campaign, epoch: 1, seq: 1, unit, user: 'user-1', admittedAt: Date.now(), reason: 'rejected' };
      await duties.retries.schedule({ ...job, traceparent: '' });
      await duties.settlement.settle(batch!, [{ seq: 1, outcome: { status: 'retrying' } }]);
      await source.close();
      return ticket!;
    },
    retryAll: async () => {
      duties.retry();
      await until('no retry is left', async () => (await duties.retries.list(campaign)).length === 0);
    },
  };
}

const given = (campaign: string, user: string, unit: number) => ({
  campaign,
  tag: userTag(campaign, user),
  user,
  unit,
  names: [{ epoch: 1, seq: unit }],
});

test.for([
  ['was issued after a rebuild', true],
  ['was not cancelled in the ledger', false],
] as const)('a ticket given back with 202 while it was retried %s', async ([, isRebuilt], t) => {
  const shop = await openShop(t);
  const ticket = await shop.retried(1);
  expect((await shop.front.giveBack(ticket)).status).toBe(202);
  expect(await shop.cancellations()).toMatchObject([{ returned: 1 }]);
  if (isRebuilt) expect(await shop.repair()).toMatchObject({ rebuilt: true });
  await shop.retryAll();
  expect(await shop.rows()).toEqual([]);
  expect(await shop.cancellations()).toEqual([{ user: 'user-1', unit: 1, returned: 1 }]);
  expect(await shop.free()).toEqual(['1']);
  await until('its holder is told', async () => (await shop.front.poll(ticket)).body.status === 'cancelled');
  expect(await shop.differences()).toEqual([]);
});

test('a ticket given back with 202 that has no unit any more puts none up for sale', async (t) => {
  const shop = await openShop(t);
  const ticket = await shop.retried(0);
  await shop.front.admit(shop.campaign, 2, 2);
  expect((await shop.front.giveBack(ticket)).status).toBe(202);
  await shop.retryAll();
  expect(await shop.free()).toEqual([]);
  expect(await shop.cancellations()).toEqual([{ user: 'user-1', unit: 0, returned: 1 }]);
});

test('a 202 was answered that the ledger did not hold', async (t) => {
  const shop = await openShop(t);
  const ticket = await shop.retried(1);
  const cut = database.open({ acquireMs: 1, statementMs: 1, connectionMax: 1 });
  await cut.close();
  const front = await file.start(t, { redisUrl: shop.redisUrl, statusLedger: cut });
  expect((await front.giveBack(ticket)).status).toBe(503);
});

test('a worker that stood still before its INSERT issued what was given back meanwhile', async () => {
  const ledger = file.ledger();
  const sale = await openSale(ledger);
  const cancellations = cancellationStore(ledger);
  await cancellations.recordCancelled(given(sale.id, 'user-2', 2));
  await issueBatch(ledger, [sale.row(8, { user: 'another' })], 1);
  await cancellations.recordCancelled(given(sale.id, 'user-8', 8));
  const results = await issueBatch(ledger, [...sale.rows(1, 3), sale.row(8)], 1);
  expect(tally(results)).toEqual({ issued: 2, cancelled: 2 });
  expect([results[1], results[3]]).toEqual([
    { kind: 'cancelled', ownUnitIsFree: true },
    { kind: 'cancelled', ownUnitIsFree: false },
  ]);
  const rows = await database.sql('SELECT unit FROM issuances WHERE campaign = ? ORDER BY unit', [sale.id]);
  expect(rows.map(({ unit }) => unit)).toEqual([1, 3, 8]);
});

/** Until so many transactions of the server wait for a lock of another one. */
const untilWaiting = (count: number) =>
  until(`${count} transactions that wait`, async () => {
    await pause(150); // read more often than ten times a second, this table stays as it was
    const waiting = await database.sql(
      "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
    );
    return waiting.length >= count;
  });

test('a ticket that the gate gave back by itself kept the row that a worker was writing', async () => {
  const ledger = file.ledger();
  const sale = await openSale(ledger);
  let batch: Promise<unknown> | undefined;
  let written: Promise<void> | undefined;
  // A stranger's row that is not committed holds the INSERT up, and is rolled back.
  const stranger = database.open().transaction(async (tx) => {
    const { admittedAt, ...row } = sale.row(3, { user: 'stranger' });
    const values = { ...row, admitted_at: new Date(admittedAt), last_unit: 1_000 };
    await tx.insertInto('issuances').values(values).execute();
    batch = issueBatch(ledger, sale.rows(1, 3), 1);
    await untilWaiting(1);
    written = cancellationStore(ledger).recordCancelled(given(sale.id, 'user-2', 2));
    await untilWaiting(2);
    throw new Error('rolled back');
  });
  await expect(stranger).rejects.toThrow('rolled back');
  expect(await batch).toEqual([{ kind: 'issued' }, { kind: 'issued' }, { kind: 'issued' }]);
  await written;
  const rows = await database.sql('SELECT unit FROM issuances WHERE campaign = ? ORDER BY unit', [sale.id]);
  expect(rows.map(({ unit }) => unit)).toEqual([1, 3]);
});

test('a unit that was taken for a ticket which was given back meanwhile was nowhere', async (t) => {
  const shop = await openShop(t);
  await shop.front.admit(shop.campaign, 1, 2);
  const row = { ...(await openSale(file.ledger())).row(1), campaign: shop.campaign };
  const { gate, couponKey } = shop.issuerDeps;
  const givenBackFirst = async (rows: IssuanceRow[], epoch: number) => {
    await cancellationStore(file.ledger()).recordWish(given(shop.campaign, row.user, 1));
    return issueBatch(file.ledger(), rows, epoch);
  };
  const renumbered = await renumber({ gate, couponKey, issueBatch: givenBackFirst }, row, 1);
  expect(renumbered).toEqual({ outcome: { status: 'cancelled' } });
  expect([await shop.rows(), await shop.free()]).toEqual([[], ['3']]);
});

test('a cancellation was no holder after a rebuild when nobody had said whose ticket it was', async (t) => {
  const shop = await openShop(t);
  const [ticket] = await shop.front.admit(shop.campaign, 1, 1);
  const tag = userTag(shop.campaign, 'user-1');
  // The front that was told whose entry it was died before it wrote that down.
  expect(await shop.returns.cancel(await shop.view(), tag)).toMatchObject({ state: 'cancelled', user: 'user-1' });
  expect((await shop.front.giveBack(ticket!)).status).toBe(200);
  expect(await shop.cancellations()).toEqual([{ user: null, unit: 1, returned: 1 }]);
  await shop.repair();
  expect((await shop.gate.outcome(await shop.view(), tag)).outcome).toEqual({ status: 'cancelled' });
  expect(await shop.free()).toEqual(['1']);
});

test('a cancelled ticket that a gate of before delivered again left its unit nowhere', async (t) => {
  const shop = await openShop(t);
  const tickets = await shop.front.admit(shop.campaign, 1, 3);
  await cancellationStore(file.ledger()).recordCancelled(given(shop.campaign, 'user-2', 2));
  shop.issue(shop.campaign);
  for (const ticket of [tickets[0]!, tickets[2]!])
    await until('it is issued', async () => (await shop.front.poll(ticket)).body.status === 'issued');
  await until('it is cancelled', async () => (await shop.front.poll(tickets[1]!)).body.status === 'cancelled');
  expect(await shop.free()).toEqual(['2']);
  expect(await shop.differences()).toEqual([]);
});

test.for([
  ['an operator', false],
  ['a worker that found a stranger in its stream', true],
] as const)(
  'a place that the gate alone had taken back was given out again once %s had rebuilt the gate',
  async ([, isDamaged], t) => {
    const shop = await openShop(t);
    const [ticket] = await shop.front.admit(shop.campaign, 1, 1);
    // The front died before it wrote the cancellation down, or its answer was lost.
    const given = await shop.returns.cancel(await shop.view(), userTag(shop.campaign, 'user-1'));
    expect([given.state, await shop.cancellations()]).toEqual(['cancelled', []]);
    if (isDamaged) await shop.redis.xadd(keys.work(shop.campaign, 0), '9-0', 'user', 'stranger');
    expect(await (isDamaged ? shop.recover() : shop.repair())).toMatchObject({ rebuilt: true });
    expect(await shop.cancellations()).toEqual([{ user: null, unit: 1, returned: 1 }]);
    expect(await shop.free()).toEqual(['1']);
    const again = await until('the front has read the new gate', async () => {
      const answer = await shop.front.join(shop.campaign, 'user-1');
      return answer.status < 500 && answer;
    });
    expect([again.status, again.body.status]).toEqual([200, 'cancelled']);
    await until('its holder is told', async () => (await shop.front.poll(ticket!)).body.status === 'cancelled');
  },
);

test('what a gate of before a restart of Redis says was cancelled takes no row away', async (t) => {
  const shop = await openShop(t);
  await shop.front.admit(shop.campaign, 1, 1);
  await shop.returns.cancel(await shop.view(), userTag(shop.campaign, 'user-1'));
  await shop.redis.hset(keys.gate(shop.campaign), 'run_id', 'ab'.repeat(20));
  await shop.redis.xadd(keys.work(shop.campaign, 0), '9-0', 'user', 'stranger');
  expect(await shop.recover()).toMatchObject({ rebuilt: true });
  expect(await shop.cancellations()).toEqual([]);
});

test('a rebuild kept one of two tickets of an earlier gate that the gate alone knew were given back', async (t) => {
  const shop = await openShop(t);
  const tickets = await shop.front.admit(shop.campaign, 1, 3);
  shop.issue(shop.campaign);
  const areAll = (status: string, some: string[]) =>
    until(`each is ${status}`, async () => {
      const answers = await Promise.all(some.map((ticket) => shop.front.poll(ticket)));
      return answers.every(({ body }) => body.status === status);
    });
  await areAll('issued', tickets);
  await shop.repair(); // from here on none of the three has a place
  for (const ticket of tickets.slice(0, 2))
    await until('it is given back', async () => (await shop.front.giveBack(ticket)).status === 200);
  const before = await shop.cancellations();
  await database.sql('DELETE FROM cancellations WHERE campaign = ?', [shop.campaign]);
  await shop.repair();
  expect([before.length, await shop.cancellations(), await shop.free()]).toEqual([
    2,
    [1, 2].map((unit) => ({ user: null, unit, returned: 1 })),
    ['1', '2'],
  ]);
  await areAll('cancelled', tickets.slice(0, 2));
});
