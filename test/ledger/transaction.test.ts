import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import { getCampaign } from '../../src/ledger/campaigns.ts';
import { kindOf } from '../../src/ledger/errors.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import type { Schema } from '../../src/ledger/schema.ts';
import { ownDatabase } from './own-database.ts';
import { openSale } from './sale.ts';

const database = ownDatabase();

const rename = (tx: Kysely<Schema>, id: string, name: string) =>
  tx.updateTable('campaigns').set({ name }).where('id', '=', id).execute();
const nameOf = async (ledger: Ledger, id: string) => (await getCampaign(ledger, id))?.name;
/** A step that others wait for. */
const step = () => Promise.withResolvers<void>();

test('what work throws comes out as it was thrown, and nothing of the work stays', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  const refusal = new Fault('not-found', 'no such thing');
  const work = ledger.transaction(async (tx) => {
    await rename(tx, sale.id, 'changed');
    throw refusal;
  });
  await expect(work).rejects.toBe(refusal);
  expect(await nameOf(ledger, sale.id)).toBe(sale.id);
});

test('an error that work swallowed still undoes all of it', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  const work = ledger.transaction(async (tx) => {
    await rename(tx, sale.id, 'changed');
    await sql`insert into tranches (campaign, last_unit) values (${sale.id}, 1000)`.execute(tx).catch(() => undefined);
  });
  expect(kindOf(await work.catch((error: unknown) => error))).toBe('duplicate');
  expect(await nameOf(ledger, sale.id)).toBe(sale.id);
});

test('two that deadlock both end up done', async () => {
  const ledger = database.open();
  const [a, b] = [await openSale(ledger), await openSale(ledger)];
  const [hasA, hasB] = [step(), step()];
  let runs = 0;
  const crossing = (first: string, second: string, mine: typeof hasA, theirs: typeof hasA, name: string) =>
    ledger.transaction(async (tx) => {
      runs += 1;
      await rename(tx, first, name);
      mine.resolve();
      await theirs.promise;
      await rename(tx, second, name);
    });
  await Promise.all([crossing(a.id, b.id, hasA, hasB, 'one'), crossing(b.id, a.id, hasB, hasA, 'two')]);
  expect(runs).toBe(3);
  expect(await nameOf(ledger, a.id)).toBe(await nameOf(ledger, b.id));
});

test('work that waited too long for a lock is undone whole and done again', async () => {
  const ledger = database.open();
  const [a, b] = [await openSale(ledger), await openSale(ledger)];
  const [locked, secondRun] = [step(), step()];
  const holding = ledger.transaction(async (tx) => {
    await rename(tx, b.id, 'held');
    locked.resolve();
    await secondRun.promise;
  });
  await locked.promise;
  const seenAtStart: unknown[] = [];
  await ledger.transaction(async (tx) => {
    const row = await tx.selectFrom('campaigns').select('name').where('id', '=', a.id).executeTakeFirst();
    if (seenAtStart.push(row?.name) === 2) secondRun.resolve();
    await rename(tx, a.id, 'first half');
    await rename(tx, b.id, 'second half');
  });
  await holding;
  expect(seenAtStart).toEqual([a.id, a.id]);
  expect([await nameOf(ledger, a.id), await nameOf(ledger, b.id)]).toEqual(['first half', 'second half']);
});

test("Kysely's own transactions cannot be used by mistake", async () => {
  const ledger = database.open();
  await expect(ledger.db.transaction().execute(async () => undefined)).rejects.toThrow('use ledger.transaction');
  expect(ledger.usage()).toEqual({ inUseCount: 0, waitingCount: 0 });
});

test('a closed ledger says so, and closing it again is fine', async () => {
  const ledger = database.open();
  await ledger.run('SELECT 1', []);
  await Promise.all([ledger.close(), ledger.close()]);
  await expect(ledger.transaction(async () => 1)).rejects.toMatchObject({ code: 'ledger-unavailable' });
});
