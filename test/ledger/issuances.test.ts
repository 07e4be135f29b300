import { expect, test } from 'vitest';
import { countIssued } from '../../src/ledger/campaigns.ts';
import { beginEpochs } from '../../src/ledger/epochs.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { addStock } from '../../src/ledger/stock.ts';
import { pause } from '../../src/process/lifecycle.ts';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';
import { expectBetween, ownDatabase } from './own-database.ts';
import { openSale, tally } from './sale.ts';

const database = ownDatabase();

/** The ledger, and how many statements went through it. */
function counted(ledger: Ledger): { ledger: Ledger; statementCount: () => number } {
  let statements = 0;
  const run: Ledger['run'] = (...args) => {
    statements += 1;
    return ledger.run(...args);
  };
  return { ledger: { ...ledger, run }, statementCount: () => statements };
}

test('a whole batch is issued with one statement, and every value stands as it was given', async () => {
  const { ledger, statementCount } = counted(database.open());
  const sale = await openSale(ledger);
  const from = Date.now();
  const results = await issueBatch(ledger, sale.rows(1, 500).reverse());
  expect(tally(results)).toEqual({ issued: 500 });
  expect(statementCount()).toBe(1);
  await issueBatch(ledger, sale.rows(501, 503));
  for (const promised of [sale.row(7), sale.row(502)]) {
    const { admittedAt, ...same } = promised;
    const row = await ledger.db
      .selectFrom('issuances')
      .selectAll()
      .where('campaign', '=', sale.id)
      .where('unit', '=', promised.unit)
      .executeTakeFirst();
    expect(row).toMatchObject({ ...same, admitted_at: new Date(admittedAt) });
    expectBetween(from, row!.issued_at.getTime());
  }
});

test('a batch of any size is issued', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  expect(await issueBatch(ledger, [])).toEqual([]);
  let from = 1;
  for (const size of [1, 2, 99, 100, 101, 200]) {
    expect(tally(await issueBatch(ledger, sale.rows(from, from + size - 1)))).toEqual({ issued: size });
    from += size;
  }
  expect(await countIssued(ledger, sale.id)).toBe(from - 1);
});

test('a batch that was delivered again changes nothing, whole or in part', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, sale.rows(1, 100));
  expect(tally(await issueBatch(ledger, sale.rows(1, 100)))).toEqual({ already: 100 });
  const results = await issueBatch(ledger, sale.rows(51, 150));
  expect(results.slice(0, 50)).toEqual(Array(50).fill({ kind: 'already' }));
  expect(results.slice(50)).toEqual(Array(50).fill({ kind: 'issued' }));
  expect(await countIssued(ledger, sale.id)).toBe(150);
});

test('issuers that are given the same tickets at the same time issue each of them once', async () => {
  const ledgers = [1, 2, 3, 4].map(() => database.open({ connectionMax: 2 }));
  const sale = await openSale(ledgers[0]!);
  const all = sale.rows(1, 400);
  const parts = [all, all, all.slice(100, 300), all.slice(200)];
  const results = await Promise.all(ledgers.map((ledger, i) => issueBatch(ledger, parts[i]!)));
  const kinds = tally(results.flat());
  expect(kinds.issued).toBe(400);
  expect(kinds.already).toBe(400 + 200 + 200);
  expect(await countIssued(ledgers[0]!, sale.id)).toBe(400);
});

test('a user with another ticket in the ledger is a duplicate, and the own unit is told free only if it is', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, sale.rows(1, 2));
  const results = await issueBatch(ledger, [
    sale.row(10, { user: 'user-1' }),
    sale.row(2, { user: 'user-1', seq: 11 }),
    sale.row(2, { user: 'new' }),
    sale.row(1, { seq: 99, epoch: 2 }),
    sale.row(12),
  ]);
  expect(results).toEqual([
    { kind: 'duplicate', unit: 1, ownUnitIsFree: true },
    { kind: 'duplicate', unit: 1, ownUnitIsFree: false },
    { kind: 'unit-taken' },
    { kind: 'already' },
    { kind: 'issued' },
  ]);
});

test('a renumbered ticket that is delivered again learns the unit it was given', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, [sale.row(5, { user: 'somebody' }), sale.row(8, { user: 'late', seq: 5 })]);
  expect(await issueBatch(ledger, [sale.row(5, { user: 'late' })])).toEqual([
    { kind: 'duplicate', unit: 8, ownUnitIsFree: false },
  ]);
});

test('of tickets that clash within a batch the earliest is issued', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  const results = await issueBatch(ledger, [
    sale.row(1, { user: 'twice', seq: 20 }),
    sale.row(2, { user: 'twice', seq: 10 }),
    sale.row(3, { user: 'second', seq: 31 }),
    sale.row(3, { user: 'first', seq: 30 }),
    sale.row(4),
    sale.row(4),
  ]);
  expect(results.slice(0, 4)).toEqual([
    { kind: 'duplicate', unit: 2, ownUnitIsFree: true },
    { kind: 'issued' },
    { kind: 'unit-taken' },
    { kind: 'issued' },
  ]);
  expect(tally(results.slice(4))).toEqual({ issued: 1, already: 1 });
  expect(await countIssued(ledger, sale.id)).toBe(3);
});

test.for([
  [1, 21],
  [5, 105],
])('%i of 500 rows that the database rejects do not hold up the others', async ([bad, most], t) => {
  const { ledger, statementCount } = counted(database.open());
  const sale = await openSale(ledger);
  await database.beforeEachRow(
    t,
    'reject_some',
    "IF NEW.user LIKE 'reject-%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'; END IF",
  );
  const rows = sale.rows(1, 500);
  const isBad = (index: number) => index % 100 === 37 && index < (bad as number) * 100;
  const results = await issueBatch(
    ledger,
    rows.map((row, i) => (isBad(i) ? { ...row, user: `reject-${i}` } : row)),
  );
  results.forEach((result, i) => {
    const rejected = { kind: 'bad-row', reason: 'rejected', detail: 'not this one' };
    expect(result).toEqual(isBad(i) ? rejected : { kind: 'issued' });
  });
  expect(await countIssued(ledger, sale.id)).toBe(500 - (bad as number));
  expect(statementCount()).toBeLessThanOrEqual(most as number);
});

test('hostile values are kept word by word or refused, and never hold up the others', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger, 100);
  const kept = [
    "'; DROP TABLE issuances; -- ",
    '\\',
    "\\'",
    '%_',
    '?',
    '{"a":1}',
    '/*!50000 x */',
    'Ann',
    'ann',
    'Zoë',
    '👤',
  ];
  const users = kept.map((user) => user.trim());
  const refused: Record<string, unknown>[] = [
    { user: '' },
    { user: 'x'.repeat(129) },
    { user: 'Zo\ud800' },
    { user: '가'.repeat(43) },
    { user: 'nul\0' },
    { user: 'pad ' },
    { user: { toSqlString: () => '1' } },
    { unit: 0 },
    { unit: 1.5 },
    { unit: 2 ** 32 },
    { unit: Number.NaN },
    { unit: '7' },
    { seq: -1 },
    { seq: 2 ** 53 },
    { epoch: -1 },
    { code: 'short' },
    { admittedAt: Number.POSITIVE_INFINITY },
    { admittedAt: -1 },
  ];
  const results = await issueBatch(ledger, [
    ...users.map((user, i) => sale.row(i + 1, { user })),
    ...refused.map((wrong, i) => ({ ...sale.row(50 + i), ...wrong })),
    sale.row(101),
  ]);
  expect(results.slice(0, users.length)).toEqual(Array(users.length).fill({ kind: 'issued' }));
  for (const result of results.slice(users.length, -1)) expect(result).toMatchObject({ reason: 'malformed' });
  expect(results.at(-1)).toMatchObject({ kind: 'bad-row', reason: 'beyond-stock' });
  const standing = await ledger.db.selectFrom('issuances').select('user').where('campaign', '=', sale.id).execute();
  expect(standing.map(({ user }) => user).sort()).toEqual([...users].sort());
});

test('a code that another unit has is a bad row and not an endless loop', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, [sale.row(1)]);
  const results = await issueBatch(ledger, [sale.row(2), sale.row(3, { code: sale.row(1).code }), sale.row(4)]);
  expect(results).toEqual([
    { kind: 'issued' },
    { kind: 'bad-row', reason: 'code-taken', detail: expect.any(String) },
    { kind: 'issued' },
  ]);
});

test('units of a later tranche are issued as soon as the stock was added', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger, 10);
  expect(tally(await issueBatch(ledger, sale.rows(1, 12)))).toEqual({ issued: 10, 'bad-row': 2 });
  await addStock(database.open(), sale.id, 5, 'more', 'tester');
  expect(tally(await issueBatch(ledger, sale.rows(11, 16)))).toEqual({ issued: 5, 'bad-row': 1 });
});

test('what is no batch is refused, and so is a campaign the ledger does not know', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  const other = await openSale(ledger);
  await expect(issueBatch(ledger, sale.rows(1, limits.workBatchMax + 1))).rejects.toMatchObject({ code: 'invalid' });
  await expect(issueBatch(ledger, [sale.row(1), other.row(1)])).rejects.toMatchObject({ code: 'invalid' });
  await expect(issueBatch(ledger, [sale.row(1, { campaign: 'unheard-of' })])).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('a ledger that lost the campaign is a fault of the ledger and makes no row bad', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, sale.rows(1, 1));
  await database.sql('DELETE FROM issuances WHERE campaign = ?', [sale.id]);
  await database.sql('DELETE FROM campaigns WHERE id = ?', [sale.id]);
  await database.sql('DELETE FROM tranches WHERE campaign = ?', [sale.id]);
  await expect(issueBatch(ledger, sale.rows(1, 2))).rejects.toMatchObject({ code: 'ledger-unavailable' });
  await expect(issueBatch(ledger, sale.rows(1, 2))).rejects.toMatchObject({ code: 'not-found' });
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

test('a batch of an epoch that is over is not written, and an epoch begins after the batches under way', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  expect(tally(await issueBatch(ledger, sale.rows(1, 3), 1))).toEqual({ issued: 3 });
  const row = sale.row(4, { user: 'somebody' });
  let batch: Promise<unknown> | undefined;
  let epoch: Promise<unknown> | undefined;
  // What another transaction writes, and has not committed yet, holds the batch up; the batch holds up the epoch.
  await database.open().transaction(async (tx) => {
    const { admittedAt, ...same } = row;
    const values = { ...same, admitted_at: new Date(admittedAt), last_unit: 1_000 };
    await tx.insertInto('issuances').values(values).execute();
    batch = issueBatch(ledger, sale.rows(4, 6), 1).catch((error: unknown) => error);
    await untilWaiting(1);
    epoch = beginEpochs(database.open(), [{ campaign: sale.id, from: 1, to: 2, reason: 'repair', worker: 'tester' }]);
    await untilWaiting(2);
  });
  expect(await epoch).toEqual([2]);
  // What of it was not written by then is delivered again under the next epoch.
  await batch;
  await expect(issueBatch(ledger, sale.rows(7, 9), 1)).rejects.toMatchObject({ code: 'stale-epoch', retryable: true });
  expect(tally(await issueBatch(ledger, sale.rows(4, 9), 2))).toMatchObject({ 'unit-taken': 1 });
  expect(await countIssued(ledger, sale.id)).toBe(9);
});
