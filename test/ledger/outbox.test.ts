import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import { cancelTicket, recordCancelled } from '../../src/ledger/cancellations.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { createOutbox } from '../../src/ledger/outbox.ts';
import { startLossyProxy } from './lossy-proxy.ts';
import { ownDatabase } from './own-database.ts';
import { openSale, type Sale } from './sale.ts';

const database = ownDatabase();

async function open(options = {}) {
  const ledger = database.open({ tellsOutbox: true, ...options });
  const sale = await openSale(ledger);
  const outbox = createOutbox(ledger);
  const told = async () => (await outbox.oldest(100)).filter(({ campaign }) => campaign === sale.id);
  return { ledger, sale, outbox, told };
}

const ticketOf = (sale: Sale, unit: number) => {
  const { epoch, seq, code } = sale.row(unit);
  return { unit, epoch, seq, codeSha256: createHash('sha256').update(code).digest('hex') };
};

const given = (sale: Sale, unit: number) => ({
  campaign: sale.id,
  tag: userTag(sale.id, `user-${unit}`),
  user: `user-${unit}`,
  unit,
  names: [{ epoch: 1, seq: unit }],
});

test('a batch is told in one row, with no user and no code, and a cancellation after it', async () => {
  const { ledger, sale, told } = await open();
  await issueBatch(ledger, sale.rows(1, 3));
  await issueBatch(ledger, sale.rows(2, 4));
  await cancelTicket(ledger, given(sale, 2));
  await cancelTicket(ledger, given(sale, 2));
  const entries = await told();
  expect(entries).toMatchObject([
    { what: 'issued', tickets: [1, 2, 3].map((unit) => ticketOf(sale, unit)) },
    { what: 'issued', tickets: [ticketOf(sale, 4)] },
    { what: 'cancelled', tickets: [ticketOf(sale, 2)] },
  ]);
  expect(entries.map(({ id }) => id)).toEqual(entries.map(({ id }) => id).toSorted((a, b) => a - b));
  const text = JSON.stringify(entries);
  for (const secret of ['user-1', sale.row(1).code]) expect(text).not.toContain(secret);
});

test('of a ticket that was never issued nothing is told, and without the setting nothing at all', async () => {
  const { ledger, sale, told } = await open();
  await recordCancelled(ledger, given(sale, 1));
  expect(await told()).toEqual([]);
  const quiet = database.open();
  await issueBatch(quiet, sale.rows(2, 3));
  await cancelTicket(quiet, given(sale, 2));
  expect(await told()).toEqual([]);
});

test('rows that are refused are told by nobody, and those written in their place once', async (t) => {
  const { ledger, sale, told } = await open();
  await database.beforeEachRow(t, 'refused', "BEGIN IF NEW.user = 'user-2' THEN SIGNAL SQLSTATE '45000'; END IF; END");
  const results = await issueBatch(ledger, sale.rows(1, 4));
  expect(results.map(({ kind }) => kind)).toEqual(['issued', 'bad-row', 'issued', 'issued']);
  const units = (await told()).flatMap(({ tickets }) => tickets.map(({ unit }) => unit));
  expect(units.toSorted((a, b) => a - b)).toEqual([1, 3, 4]);
});

test('a COMMIT without an answer leaves each ticket with one row of the outbox', async (t) => {
  const proxy = await startLossyProxy(t, database.url());
  const { ledger, sale, told } = await open({ url: proxy.url });
  await issueBatch(ledger, sale.rows(1, 1));
  proxy.loseAnswerTo('COMMIT', 'close');
  const results = await issueBatch(ledger, sale.rows(2, 5));
  expect(results.every(({ kind }) => kind === 'issued' || kind === 'already')).toBe(true);
  expect((await told()).flatMap(({ tickets }) => tickets.map(({ unit }) => unit))).toEqual([1, 2, 3, 4, 5]);
});

test('what was told is gone, what waits is counted, and what is too old is removed', async () => {
  const { ledger, sale, outbox, told } = await open();
  await outbox.removeOlder(-60_000);
  await issueBatch(ledger, sale.rows(1, 2));
  await issueBatch(ledger, sale.rows(3, 4));
  const [first] = await told();
  expect((await outbox.size()).entries).toBe(2);
  await outbox.remove([first!.id]);
  expect((await told()).map(({ tickets }) => tickets[0]!.unit)).toEqual([3]);
  expect(await outbox.removeOlder(60_000)).toBe(0);
  expect(await outbox.removeOlder(-60_000)).toBe(1);
  expect(await outbox.size()).toEqual({ entries: 0, oldestMs: 0 });
});
