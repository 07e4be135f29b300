// A user has a row, a cancellation or a kept dead letter, never two of them.
import { expect, test } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import { cancelTicket } from '../../src/ledger/cancellations.ts';
import { getDeadLetter, keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { beginEpochs } from '../../src/ledger/epochs.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { claimRedrive, endRedrive } from '../../src/ledger/redrives.ts';
import { ownDatabase } from './own-database.ts';
import { openSale, type Sale } from './sale.ts';

const database = ownDatabase();

const letterOf = (sale: Sale, unit: number, other: { seq?: number; unit?: number } = {}) => {
  const { campaign, epoch, seq, user, admittedAt } = sale.row(unit);
  return { campaign, epoch, seq, unit, user, admittedAt, reason: 'rejected', attempts: 6, ...other };
};
const stateOf = async (ledger: Ledger, sale: Sale, unit: number) =>
  (await getDeadLetter(ledger, letterOf(sale, unit)))?.state;
const unitsOf = async (sale: Sale) =>
  (await database.sql('SELECT unit FROM issuances WHERE campaign = ? ORDER BY unit', [sale.id])).map(
    ({ unit }) => unit,
  );

test('a dead letter was kept beside the row of its user', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, [sale.row(1), sale.row(2), sale.row(9, { user: 'user-3', seq: 3 })]);
  const issued = { kind: 'issued', unit: 1, ownUnitIsFree: false };
  expect(await keepDeadLetter(ledger, letterOf(sale, 1))).toEqual(issued);
  expect(await keepDeadLetter(ledger, letterOf(sale, 1, { unit: 2 }))).toEqual(issued);
  expect(await keepDeadLetter(ledger, letterOf(sale, 1, { unit: 0 }))).toEqual(issued);
  // Issued under another unit than its own, which nobody has.
  expect(await keepDeadLetter(ledger, letterOf(sale, 3))).toEqual({ kind: 'issued', unit: 9, ownUnitIsFree: true });
  expect(await stateOf(ledger, sale, 1)).toBeUndefined();
});

test('a dead letter was kept beside the cancellation of its user', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, sale.rows(1, 1));
  const tag = userTag(sale.id, 'user-1');
  await cancelTicket(ledger, { campaign: sale.id, tag, user: 'user-1', unit: 1, names: [{ epoch: 1, seq: 1 }] });
  expect(await keepDeadLetter(ledger, letterOf(sale, 1, { seq: 7 }))).toEqual({ kind: 'cancelled' });
  expect(await getDeadLetter(ledger, letterOf(sale, 1, { seq: 7 }))).toBeUndefined();
});

test('a worker that came late wrote a row beside a kept letter; the others of its batch are issued', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await keepDeadLetter(ledger, letterOf(sale, 2));
  const batch = [sale.row(1), sale.row(2), sale.row(3), sale.row(4, { user: 'user-2', seq: 9 })];
  expect(await issueBatch(ledger, batch.slice(0, 3), 1)).toEqual([
    { kind: 'issued' },
    { kind: 'kept', reason: 'rejected', ownUnitIsFree: false },
    { kind: 'issued' },
  ]);
  // Another ticket of the same user: its unit is nobody's.
  expect(await issueBatch(ledger, batch.slice(3), 1)).toEqual([
    { kind: 'kept', reason: 'rejected', ownUnitIsFree: true },
  ]);
  expect(await unitsOf(sale)).toEqual([1, 3]);
  const claimed = await claimRedrive(ledger, (await getDeadLetter(ledger, letterOf(sale, 2)))!.id, 'ann');
  expect(await issueBatch(ledger, batch.slice(1, 2), 1)).toEqual([{ kind: 'issued' }]);
  await endRedrive(ledger, claimed!, 'kept');
  expect(await stateOf(ledger, sale, 2)).toBe('redriven');
});

test('of a row and a letter that are written at the same time one stands', async () => {
  const ledgers = [1, 2].map(() => database.open({ connectionMax: 4 }));
  const [one, other] = ledgers as [Ledger, Ledger];
  const sale = await openSale(one);
  const units = Array.from({ length: 60 }, (_, index) => index + 1);
  const ends = await Promise.all(
    units.map(async (unit) => {
      const [[result], kept] = await Promise.all([
        issueBatch(one, [sale.row(unit)], 1),
        keepDeadLetter(other, letterOf(sale, unit)),
      ]);
      return [result!.kind, kept.kind].join(' ');
    }),
  );
  expect(new Set(ends).isSubsetOf(new Set(['issued issued', 'kept kept']))).toBe(true);
  const rows = new Set(await unitsOf(sale));
  for (const unit of units) expect(await stateOf(one, sale, unit)).toBe(rows.has(unit) ? undefined : 'kept');
});

test('a letter of a gate that is over was kept beside the rebuilt gate', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await beginEpochs(ledger, [{ campaign: sale.id, from: 1, to: 2, reason: 'repair', worker: 'w' }]);
  await expect(keepDeadLetter(ledger, letterOf(sale, 1), 1)).rejects.toMatchObject({
    code: 'stale-epoch',
    retryable: true,
  });
  expect(await stateOf(ledger, sale, 1)).toBeUndefined();
  expect(await keepDeadLetter(ledger, letterOf(sale, 1), 2)).toEqual({ kind: 'kept', reason: 'rejected' });
});

test('a row that a version of before left beside a letter stands', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await keepDeadLetter(ledger, letterOf(sale, 1));
  await issueBatch(ledger, sale.rows(1, 1));
  expect(await issueBatch(ledger, [sale.row(1), sale.row(2)], 1)).toEqual([{ kind: 'already' }, { kind: 'issued' }]);
});

test('a batch asks for kept letters without a statement of its own', async () => {
  const ledger = database.open();
  let statementCount = 0;
  const counted: Ledger = {
    ...ledger,
    run: (...args) => {
      statementCount += 1;
      return ledger.run(...args);
    },
  };
  const sale = await openSale(ledger);
  await issueBatch(counted, sale.rows(1, 100), 1);
  // A letter whose user nobody could read keeps no row out.
  await keepDeadLetter(ledger, { campaign: sale.id, epoch: 1, seq: 900, reason: 'malformed-entry', attempts: 1 });
  await issueBatch(counted, sale.rows(101, 200), 1);
  expect(statementCount).toBe(2);
  await keepDeadLetter(ledger, letterOf(sale, 901));
  await issueBatch(counted, sale.rows(201, 300), 1);
  statementCount = 0;
  await issueBatch(counted, sale.rows(301, 400), 1);
  expect(statementCount).toBe(1);
});
