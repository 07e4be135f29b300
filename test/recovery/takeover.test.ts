// A builder that dies in the middle of a rebuild, and the builder after it. Each test is named for what went wrong.
import { expect, test } from 'vitest';
import type { GateBuilder } from '../../src/gate/port.ts';
import type { RecoverDeps } from '../../src/recovery/recover.ts';
import { keys } from '../../src/redis/keys.ts';
import { insertOfRows } from '../helpers/many-rows.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { users } from '../workers/duties.ts';
import { answersTo, GAP, manyHolders, ROWS } from './many-holders.ts';
import { keptRedis } from './sale.ts';

const database = ownDatabase();
const ISSUED = ROWS - Math.floor(ROWS / GAP);
const gapsUpTo = (unit: number): number[] =>
  Array.from({ length: Math.floor(unit / GAP) }, (_, index) => (index + 1) * GAP);

test('a builder died at a third, and the next builder began at the first row, in another epoch', async (t) => {
  const sale = await manyHolders(t, database);
  await sale.dieAfter(14);
  const builtUnit = await sale.builtUnit();
  expect(builtUnit).toBeGreaterThan(ROWS / 4);
  const readAfter: unknown[] = [];
  const ledger: RecoverDeps['ledger'] = {
    ...sale.parts.ledger,
    holders: (id, after) => {
      readAfter.push(after);
      return sale.parts.ledger.holders(id, after);
    },
  };
  expect(await sale.recover({ ledger })).toMatchObject({
    epoch: 2,
    resumedUnit: builtUnit,
    knownCount: ISSUED,
    freeCount: gapsUpTo(ROWS).length,
    afterSeq: ROWS,
  });
  expect(readAfter).toEqual([builtUnit]);
  expect(await sale.epochs()).toEqual([{ epoch: 2, reason: 'repair' }]);
  expect(await sale.free()).toEqual(gapsUpTo(ROWS));
  const view = await sale.view();
  expect(view).toMatchObject({
    epoch: 2,
    seq: ROWS,
    epochs: [
      { epoch: 1, afterSeq: 0 },
      { epoch: 2, afterSeq: ROWS },
    ],
  });
  expect(view.remaining).toBe(1_000 + gapsUpTo(ROWS).length);
  expect(await sale.differences()).toEqual([]);
  // Nothing of the rebuild is left in the gate.
  expect(await sale.redis.hmget(keys.gate(sale.campaign), 'builder', 'built_unit', 'built_run_id')).toEqual([
    null,
    null,
    null,
  ]);
});

test('builder after builder died: each goes on where the one before it ended', async (t) => {
  const sale = await manyHolders(t, database);
  const seen: number[] = [];
  for (let died = 0; died < 4; died += 1) {
    await sale.dieAfter(8);
    seen.push(await sale.builtUnit());
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(new Set(seen).size).toBe(4);
  expect(await sale.recover()).toMatchObject({ epoch: 2, resumedUnit: seen.at(-1), knownCount: ISSUED });
  expect(await sale.differences()).toEqual([]);
});

test('a builder that another builder had replaced wrote into its gate, and opened it', async (t) => {
  const sale = await manyHolders(t, database);
  const [paused, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { gates } = sale.parts;
  let count = 0;
  const add: GateBuilder['add'] = async (...rest) => {
    if (++count === 10) {
      paused.resolve();
      await goesOn.promise;
    }
    await gates.add(...rest);
  };
  const late = sale.recover({ gates: { ...gates, add } });
  const refused = expect(late).rejects.toMatchObject({ code: 'stale-epoch', retryable: true });
  await paused.promise;
  // It stood still for longer than its lease.
  await sale.redis.del(keys.recovery(sale.campaign));
  const page = Promise.withResolvers<void>();
  const next = sale.recover({
    worker: 'next',
    gates: {
      ...gates,
      async add(...rest) {
        await gates.add(...rest);
        goesOn.resolve();
        await page.promise;
      },
    },
  });
  // The late builder is refused while the next one still builds, in the same epoch.
  await refused;
  page.resolve();
  expect(await next).toMatchObject({ epoch: 2, knownCount: ISSUED });
  expect(await sale.epochs()).toHaveLength(1);
  expect(await sale.differences()).toEqual([]);
});

const ALL_REFUSED = Array<string>(4).fill('stale-epoch');

test('every write of a builder that was replaced was taken, for its epoch was still the right one', async (t) => {
  const sale = await manyHolders(t, database, { rows: 600 });
  await sale.dieAfter(1);
  const gate = keys.gate(sale.campaign);
  const late = { epoch: 2, builder: (await sale.redis.hget(gate, 'builder'))! };
  await sale.redis.set(keys.recovery(sale.campaign), 'next');
  const next = { epoch: 2, builder: 'next' };
  expect(await sale.parts.gates.resume((await sale.parts.ledger.get(sale.campaign))!, next)).toMatchObject({
    unit: 500,
  });
  expect(await answersTo(sale, late)).toEqual(ALL_REFUSED);
  expect(await sale.free()).toEqual([]);
  expect(await answersTo(sale, next)).toEqual(['done', 'done', 'done', 'done']);
});

test('a builder without the lease took a rebuild over', async (t) => {
  const sale = await manyHolders(t, database, { rows: 600 });
  await sale.dieAfter(1);
  const campaign = (await sale.parts.ledger.get(sale.campaign))!;
  await sale.redis.set(keys.recovery(sale.campaign), 'somebody');
  for (const step of [
    sale.parts.gates.resume(campaign, { epoch: 2, builder: 'else' }),
    sale.parts.gates.begin(campaign, { epoch: 3, builder: 'else' }, []),
  ]) {
    await expect(step).rejects.toMatchObject({ code: 'stale-epoch' });
  }
});

test('Redis was started again between two builders, and might have forgotten what the first one wrote', async (t) => {
  const redis = await keptRedis(t);
  const sale = await manyHolders(t, database, { url: redis.url });
  await sale.dieAfter(14);
  await redis.restart();
  await sale.untilBack();
  const opened = await sale.recover();
  expect(opened).toMatchObject({ epoch: 3, knownCount: ISSUED });
  expect(opened).not.toHaveProperty('resumedUnit');
  expect(await sale.epochs()).toMatchObject([{ epoch: 2 }, { epoch: 3 }]);
  expect(await sale.differences()).toEqual([]);
});

test('Redis was started again under a builder, which went on and opened a gate that lacked what Redis had forgotten', async (t) => {
  const redis = await keptRedis(t);
  const sale = await manyHolders(t, database, { url: redis.url, rows: 600 });
  await sale.dieAfter(1);
  const build = { epoch: 2, builder: (await sale.redis.hget(keys.gate(sale.campaign), 'builder'))! };
  await redis.restart();
  await sale.untilBack();
  expect(await answersTo(sale, build)).toEqual(ALL_REFUSED);
  expect(await sale.free()).toEqual([]);
});

test('a ticket that was given back between two builders counted as issued, and its unit was never sold again', async (t) => {
  const sale = await manyHolders(t, database);
  await sale.dieAfter(14);
  expect(await sale.builtUnit()).toBeGreaterThan(2_000);
  await sale.giveBack(3);
  const ledger: RecoverDeps['ledger'] = {
    ...sale.parts.ledger,
    async *holders(id, after) {
      // In the page of the first builder, after the second one has read what it left.
      await sale.giveBack(2_000);
      yield* sale.parts.ledger.holders(id, after);
    },
  };
  await sale.recover({ ledger });
  const view = await sale.view();
  for (const number of [3, 2_000]) {
    expect((await sale.gate.outcome(view, sale.tagOf(number))).outcome).toEqual({ status: 'cancelled' });
  }
  expect(await sale.free()).toEqual([...gapsUpTo(ROWS), 3, 2_000].toSorted((a, b) => a - b));
  expect(await sale.differences()).toEqual([]);
});

test('a pause between two builders was undone by the second one', async (t) => {
  const sale = await manyHolders(t, database, { rows: 2_000 });
  await sale.dieAfter(2);
  await sale.store.setState(sale.campaign, 'paused', 'operator');
  await sale.store.addStock(sale.campaign, 5, 'more', 'operator');
  expect(await sale.recover()).toMatchObject({ epoch: 2 });
  expect(await sale.view()).toMatchObject({ state: 'paused', stock: ROWS + 1_005 });
});

test('an entry beside a row that the first builder had added was delivered again', async (t) => {
  const sale = await manyHolders(t, database, { rows: 0 });
  const client = sale.client();
  await client.admit(sale.campaign, users(1, 1_500));
  // What a worker left that died between its rows and its acks; the last 100 it did not get to.
  const rows = insertOfRows(sale.campaign, 1_400, ROWS);
  await database.sql(rows.sql, rows.params);
  await sale.dieAfter(2);
  expect(await sale.recover()).toMatchObject({ epoch: 2, resumedUnit: 1_000, survivedCount: 100, knownCount: 1_500 });
  expect(await sale.differences()).toEqual([]);
});

test('a builder died before it had forgotten all users, and the next builder left them in the gate', async (t) => {
  const sale = await manyHolders(t, database, { rows: 600 });
  await sale.dieAfter(0);
  const left = keys.users(sale.campaign, 0);
  await sale.redis.hset(left, 'f'.repeat(16), Buffer.alloc(16));
  expect(await sale.recover()).toMatchObject({ epoch: 2, resumedUnit: 0 });
  expect(await sale.redis.hexists(left, 'f'.repeat(16))).toBe(0);
});

test('a key of another type in the gate that a builder left made every builder after it fail', async (t) => {
  const sale = await manyHolders(t, database, { rows: 2_000 });
  await sale.dieAfter(1);
  const { buckets } = (await sale.parts.ledger.get(sale.campaign))!;
  const others = Array.from({ length: buckets }, (_, bucket) => keys.users(sale.campaign, bucket));
  for (const key of others) await sale.redis.del(key);
  for (const key of others) await sale.redis.set(key, 'of a stranger');
  await expect(sale.recover()).rejects.toMatchObject({ code: 'corrupt-state' });
  expect(await sale.recover()).toMatchObject({ epoch: 3, rebuilt: true });
  expect(await sale.differences()).toEqual([]);
});
