import { expect, test } from 'vitest';
import { countIssued } from '../../src/ledger/campaigns.ts';
import { kindOf } from '../../src/ledger/errors.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { startLossyProxy } from './lossy-proxy.ts';
import { ownDatabase } from './own-database.ts';
import { openSale, tally } from './sale.ts';

const database = ownDatabase();

test.for(['close', 'hang'] as const)('a batch whose answer was lost (%s) stands once, and is told', async (how, t) => {
  const proxy = await startLossyProxy(t, database.url());
  const ledger = database.open({ url: proxy.url, statementMs: how === 'hang' ? 400 : 5_000 });
  const sale = await openSale(ledger);
  for (const [from, to] of [
    [1, 30],
    [31, 130],
  ] as const) {
    proxy.loseAnswerTo(`user-${to}`, how);
    expect(tally(await issueBatch(ledger, sale.rows(from, to)))).toEqual({ already: to - from + 1 });
    expect(await countIssued(ledger, sale.id)).toBe(to);
  }
  expect(proxy.lostCount()).toBeGreaterThanOrEqual(2);
  expect(ledger.usage()).toEqual({ inUseCount: 0, waitingCount: 0 });
});

test('while answers go on being lost nobody is told that anything was issued', async (t) => {
  const proxy = await startLossyProxy(t, database.url());
  const ledger = database.open({ url: proxy.url });
  const sale = await openSale(ledger);
  proxy.loseAnswerTo('user-3', 'close');
  const issuing = issueBatch(
    {
      ...ledger,
      get db() {
        proxy.loseAnswerTo('user-3', 'close');
        return ledger.db;
      },
    },
    sale.rows(1, 3),
  );
  await expect(issuing).rejects.toMatchObject({ code: 'ledger-unavailable', retryable: true });
  expect(tally(await issueBatch(ledger, sale.rows(1, 3)))).toEqual({ already: 3 });
});

test('an INSERT that never arrives is tried on one fresh connection, then the ledger counts as away', async (t) => {
  const proxy = await startLossyProxy(t, database.url());
  const ledger = database.open({ url: proxy.url });
  const sale = await openSale(ledger);
  proxy.loseQuestions(sale.row(3).code);
  const away = { code: 'ledger-unavailable', retryable: true };
  await expect(issueBatch(ledger, sale.rows(1, 3))).rejects.toMatchObject(away);
  expect(proxy.lostCount()).toBe(2);
  expect(await countIssued(ledger, sale.id)).toBe(0);
});

test('a statement that lands after it was given up is not issued a second time', async () => {
  const holder = database.open({ connectionMax: 1 });
  const ledger = database.open({ statementMs: 300 });
  const sale = await openSale(ledger);
  await issueBatch(ledger, sale.rows(1, 1));
  // The holder's uncommitted row blocks the batch past its deadline; then it goes away and the server may write.
  let results: Promise<unknown> | undefined;
  await holder
    .transaction(async (tx) => {
      const { campaign, unit, user, seq, epoch, code } = sale.row(2);
      const admitted_at = new Date();
      await tx
        .insertInto('issuances')
        .values({ campaign, unit, user, seq, epoch, code, admitted_at, last_unit: 1_000 })
        .execute();
      results = issueBatch(ledger, sale.rows(2, 4)).catch((error: unknown) => error);
      await results;
      throw new Error('never mind');
    })
    .catch(() => undefined);
  expect(await results).toMatchObject({ code: 'ledger-unavailable', retryable: true });
  const again = await issueBatch(database.open(), sale.rows(2, 4));
  expect(again.every(({ kind }) => kind === 'issued' || kind === 'already')).toBe(true);
  expect(await countIssued(ledger, sale.id)).toBe(4);
});

test('a COMMIT without an answer is told as unknown, and it stands', async (t) => {
  const proxy = await startLossyProxy(t, database.url());
  const ledger = database.open({ url: proxy.url });
  const sale = await openSale(ledger);
  proxy.loseAnswerTo('COMMIT', 'close');
  const renaming = ledger.transaction((tx) =>
    tx.updateTable('campaigns').set({ name: 'renamed' }).where('id', '=', sale.id).execute(),
  );
  const fault = await renaming.catch((error: unknown) => error);
  expect(fault).toMatchObject({ code: 'ledger-unavailable', retryable: true });
  expect(kindOf(fault)).toBe('unknown');
  const row = await ledger.db.selectFrom('campaigns').select('name').where('id', '=', sale.id).executeTakeFirst();
  expect(row).toEqual({ name: 'renamed' });
});

test('work that never began because its idle connection had died is begun on a fresh one', async (t) => {
  const proxy = await startLossyProxy(t, database.url());
  const ledger = database.open({ url: proxy.url });
  const sale = await openSale(ledger);
  proxy.loseAnswerTo('START TRANSACTION', 'close');
  let runs = 0;
  await ledger.transaction(async (tx) => {
    runs += 1;
    await tx.updateTable('campaigns').set({ name: 'renamed' }).where('id', '=', sale.id).execute();
  });
  expect([runs, proxy.lostCount()]).toEqual([1, 1]);
});
