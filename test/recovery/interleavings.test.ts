// What other actors do while a gate is recovered, and two builders at once. Each test is named for what went wrong.
import { expect, type TestContext, test } from 'vitest';
import type { Cancellation } from '../../src/domain/cancellation.ts';
import { userTag } from '../../src/domain/ids.ts';
import { createGateBuilder } from '../../src/gate/redis/gate-builder.ts';
import { createGateContents } from '../../src/gate/redis/gate-contents.ts';
import { takeLease } from '../../src/gate/redis/locks.ts';
import { epochStore } from '../../src/ledger/epoch-store.ts';
import { pause } from '../../src/process/lifecycle.ts';
import { reconcile } from '../../src/recovery/reconcile.ts';
import { type RecoverDeps, recoverGate } from '../../src/recovery/recover.ts';
import { keys } from '../../src/redis/keys.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from '../workers/duties.ts';

const database = ownDatabase();
const SHORT = { leaseMs: 500, renewMs: 50 };

/** A campaign of 30 units, ten of them issued; `recover` takes other parts in place of the usual ones. */
async function soldSale(t: TestContext) {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const campaign = await duties.openCampaign({ stock: 30, shards: 2 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 10));
  const stop = duties.issue(campaign);
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued', 60_000);
  await stop();
  const parts = {
    gates: createGateBuilder(duties.redis, 0),
    contents: createGateContents(duties.redis),
    readGates: duties.readGates,
    ledger: epochStore(ledger),
    listRetries: (id: string) => duties.retries.list(id),
    worker: 'tester',
    graceMs: 0,
  };
  return {
    ...duties,
    client,
    campaign,
    parts,
    recover: (other: Partial<RecoverDeps> = {}) => recoverGate({ ...parts, ...other }, campaign, true),
    differences: () => reconcile(parts, campaign),
    view: async () => (await duties.readGates([campaign]))[0],
  };
}

test('a rebuild that outlasts its lease: no other builder begins, and one epoch is used', async (t) => {
  const sale = await soldSale(t);
  const first = Promise.withResolvers<void>();
  let refusedCount = 0;
  const slow: RecoverDeps['ledger'] = {
    ...sale.parts.ledger,
    async *holders(id) {
      first.resolve();
      // Another worker tries to take over until long after the lease would have ended without its renewals.
      await until('twenty refusals', 60_000, () => refusedCount >= 20);
      yield* sale.parts.ledger.holders(id);
    },
  };
  const rebuilding = sale.recover({ ledger: slow, leaseSpans: SHORT });
  await first.promise;
  while (refusedCount < 20) {
    expect(await sale.recover({ worker: 'another', leaseSpans: SHORT })).toBeUndefined();
    refusedCount += 1;
    await pause(SHORT.leaseMs / 10);
  }
  expect(await rebuilding).toMatchObject({ rebuilt: true, epoch: 2 });
  expect(await database.sql('SELECT epoch FROM epochs WHERE campaign = ?', [sale.campaign])).toEqual([{ epoch: 2 }]);
});

test('a builder that was late ends the lease of the next builder', async (t) => {
  const { redis, campaign } = await soldSale(t);
  const key = keys.recovery(campaign);
  const late = (await takeLease(redis, key, 'late', { leaseMs: 60_000, renewMs: 50 }))!;
  await redis.del(key);
  await using next = (await takeLease(redis, key, 'next'))!;
  await until('the late builder knows', 60_000, () => late.lost.aborted);
  await late[Symbol.asyncDispose]();
  expect(next.lost.aborted).toBe(false);
  expect(await redis.get(key)).toMatch(/^next /);
});

test('a pause and more stock during a recovery were undone', async (t) => {
  const sale = await soldSale(t);
  const { beginEpoch } = sale.parts.ledger;
  const project = async () => {
    const stored = (await sale.store.get(sale.campaign))!;
    await sale.gate.project(stored, false);
    await sale.store.markProjected(stored.id, stored.version);
  };
  const ledger: RecoverDeps['ledger'] = {
    ...sale.parts.ledger,
    beginEpoch: async (...rest) => {
      const epoch = await beginEpoch(...rest);
      await sale.store.setState(sale.campaign, 'paused', 'operator');
      await sale.store.addStock(sale.campaign, 5, 'more', 'operator');
      await project();
      return epoch;
    },
  };
  await sale.recover({ ledger });
  expect(await sale.view()).toMatchObject({ state: 'paused', stock: 35, epoch: 2 });
  expect(await sale.differences()).toEqual([]);
});

test.for([
  ['an empty stream', 0],
  ['a stream that has entries', 3],
] as const)('a foreign entry in %s that nobody reads made every rebuild fail', async ([, waitingCount], t) => {
  const sale = await soldSale(t);
  const waiting = waitingCount > 0 ? await sale.client.admit(sale.campaign, users(11, 10 + waitingCount)) : [];
  for (const shard of [0, 1]) await sale.redis.xadd(keys.work(sale.campaign, shard), '*', 'x', 'y');
  expect(await sale.recover()).toMatchObject({ rebuilt: true, survivedCount: waitingCount });
  const later = await sale.client.admit(sale.campaign, users(20, 24));
  sale.issue(sale.campaign);
  for (const ticket of [...waiting, ...later]) await sale.client.untilStatus(ticket, 'issued', 60_000);
  expect(await sale.differences()).toEqual([]);
});

test.for(['before its row is read', 'after its row was read'] as const)(
  'a ticket given back during a rebuild, %s, was unknown to the gate or kept its unit',
  async (moment, t) => {
    const sale = await soldSale(t);
    const tag = userTag(sale.campaign, 'user-4');
    const giveBack = () =>
      sale.cancellations.cancel({
        campaign: sale.campaign,
        tag,
        user: 'user-4',
        unit: 4,
        names: [{ epoch: 1, seq: 4 }],
      });
    const ledger: RecoverDeps['ledger'] = {
      ...sale.parts.ledger,
      async *holders(id) {
        if (moment === 'before its row is read') await giveBack();
        yield* sale.parts.ledger.holders(id);
        if (moment === 'after its row was read') await giveBack();
      },
    };
    await sale.recover({ ledger });
    const view = (await sale.view())!;
    expect((await sale.gate.outcome(view, tag)).outcome).toEqual({ status: 'cancelled' });
    expect(await sale.redis.zrange(keys.free(sale.campaign), '0', '-1')).toEqual(['4']);
    expect(await sale.differences()).toEqual([]);
  },
);

test('a gate from before a give-back was found whole, and told its holder that the ticket was issued', async (t) => {
  const sale = await soldSale(t);
  const gate = keys.gate(sale.campaign);
  const tag = userTag(sale.campaign, 'user-4');
  const given = { campaign: sale.campaign, tag, user: 'user-4', unit: 4, names: [{ epoch: 1, seq: 4 }] };
  const made = (await sale.cancellations.cancel(given)) as Cancellation;
  await sale.returns.giveBack((await sale.view())!, { tag, seq: 4, unit: 4 });
  await sale.cancellations.markReturned(made);
  const restarted = () => sale.redis.hset(gate, 'run_id', 'ab'.repeat(20));
  const recover = () => recoverGate(sale.parts, sale.campaign);

  await restarted();
  expect(await recover()).toMatchObject({ epoch: 2, rebuilt: false });
  // As a snapshot has it that is older than the give-back.
  await sale.redis.del(keys.exceptions(sale.campaign), keys.free(sale.campaign), keys.cancelled(sale.campaign));
  await sale.redis.hdel(gate, 'cancelled');
  await restarted();
  expect(await recover()).toMatchObject({ epoch: 3, rebuilt: true });
  expect((await sale.gate.outcome((await sale.view())!, tag)).outcome).toEqual({ status: 'cancelled' });
  expect(await sale.redis.zrange(keys.free(sale.campaign), '0', '-1')).toEqual(['4']);
  // A rebuilt gate counts the cancellations of before, so that it is found whole when its server starts again.
  await restarted();
  expect(await recover()).toMatchObject({ epoch: 4, rebuilt: false });
});

test('a recovery past the last epoch that a ticket can say opened a gate whose every join was a 500', async (t) => {
  const sale = await soldSale(t);
  await database.sql('UPDATE campaigns SET epoch = 65535 WHERE id = ?', [sale.campaign]);
  await expect(sale.recover()).rejects.toMatchObject({ code: 'corrupt-state', retryable: false });
  expect(await sale.parts.ledger.get(sale.campaign)).toMatchObject({ epoch: 65535 });
});

test('a gate rebuilt while the clock of Redis was hours ahead admitted nobody for hours', async (t) => {
  const sale = await soldSale(t);
  await sale.recover({ graceMs: 1 });
  const threeHoursAhead = Date.now() + 3 * 3_600_000;
  await sale.redis.hset(keys.gate(sale.campaign), 'recovering_until', threeHoursAhead);
  const { decisions } = await sale.gate.admit((await sale.view())!, [{ tag: 'a'.repeat(16), user: 'x', trace: '' }], 0);
  expect(decisions[0]!.kind).toBe('admitted');
});

test('a retry of before a rebuild returned its unit to the gate of after it', async (t) => {
  const sale = await soldSale(t);
  const before = (await sale.view())!;
  await sale.recover();
  const tag = userTag(sale.campaign, 'user-2');
  await expect(sale.gate.resolve(before, tag, { status: 'issued-renumbered', unit: 9 }, 2)).rejects.toMatchObject({
    code: 'stale-epoch',
  });
});

test('an entry that somebody deleted was told as issued where a later ticket had been given back', async (t) => {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const campaign = await duties.openCampaign({ stock: 30 });
  await duties.client().admit(campaign, users(1, 10));
  const view = async () => (await duties.readGates([campaign]))[0]!;
  expect((await duties.returns.cancel(await view(), userTag(campaign, 'user-8'))).state).toBe('cancelled');
  await duties.redis.xdel(keys.work(campaign, 0), '3-0');
  const source = duties.source(campaign, 'reader');
  const [batch] = await source.receive(60_000);
  await duties.settlement.settle({ ...batch!, entries: batch!.entries.filter(({ seq }) => seq <= 5) }, []);
  expect(await duties.redis.hget(keys.gate(campaign), 'run_id')).toBe('entries-lost');
  expect((await duties.gate.outcome(await view(), userTag(campaign, 'user-3'))).outcome.status).toBe('queued');
  await source.close();
});
