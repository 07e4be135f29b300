import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CheckReport, checkLedger } from '../../src/rehearsal/checker.ts';
import { databaseUrl, uniqueName } from '../helpers/services.ts';
import { BREACHES } from './breaches.ts';
import { answered, honestSale, openLedger, type PastSale, silence } from './past-sale.ts';

let ledger: Awaited<ReturnType<typeof openLedger>>;
beforeAll(async () => {
  ledger = await openLedger();
});
afterAll(() => ledger.close());

async function check(sale: PastSale, options: { inversionMax?: number } = {}): Promise<CheckReport> {
  const campaign = uniqueName('past');
  await ledger.write(campaign, sale);
  const { stock, log } = sale;
  return checkLedger({ databaseUrl: ledger.url, campaign, stock, log, settleMs: 0, ...options });
}

/** What was found broken, as `promise name count`. */
const found = ({ findings }: CheckReport) =>
  findings.filter(({ count }) => count > 0).map(({ name, promise, count }) => `${promise} ${name} ${count}`);

const exampleOf = ({ findings }: CheckReport, name: string) =>
  findings.find((finding) => finding.name === name)?.examples[0];

test('an honest sale breaks nothing', async () => {
  const report = await check(honestSale());
  expect(found(report)).toEqual([]);
  expect(report).toMatchObject({ inversionMaxTickets: 0, unansweredRowCount: 0 });
  expect(report.ledger.rows).toEqual(honestSale().rows);
});

test.for(BREACHES)('$title', async ({ spoil, finds, example }) => {
  const sale = honestSale();
  spoil(sale);
  const report = await check(sale);
  expect(found(report)).toEqual(finds);
  expect(exampleOf(report, example[0])).toMatch(example[1]);
});

test('a user who was never answered may have a row, a seq and a place in the stock', async () => {
  const sale = honestSale();
  sale.log.joins[5] = silence('u5', 5);
  sale.log.sightings.splice(-2);
  const report = await check(sale);
  expect(found(report)).toEqual([]);
  expect(report.unansweredRowCount).toBe(1);
});

test('a 503 may have admitted too, and its seq may still be on the way', async () => {
  const sale = honestSale();
  sale.log.joins[4] = answered('u4', 'reduced-capacity', 503, 4);
  sale.log.sightings = sale.log.sightings.filter(({ user }) => user !== 'u4');
  sale.rows.splice(4, 1);
  expect(found(await check(sale))).toEqual([]);
});

test('a dead letter keeps a ticket: not lost, not late', async () => {
  const sale = honestSale();
  sale.rows.splice(2, 1);
  sale.deadLetterSeqs.push(3);
  sale.log.sightings[5]!.status = 'failed';
  const report = await check(sale);
  expect(found(report)).toEqual([]);
  expect(report.ledger.deadLetterSeqs).toEqual([3]);
});

test('overtaking is measured in tickets, and a breach only beyond the bound that was given', async () => {
  const sale = honestSale();
  sale.rows[5]!.issuedAtUs = sale.rows[1]!.issuedAtUs; // seq 6 is issued with seq 2, before 3, 4 and 5
  const measured = await check(sale);
  expect(found(measured)).toEqual([]);
  expect(measured.inversionMaxTickets).toBe(3);
  expect(found(await check(sale, { inversionMax: 3 }))).toEqual([]);
  const bounded = await check(sale, { inversionMax: 1 });
  expect(found(bounded)).toEqual(['P3 out of order 2']);
  expect(exampleOf(bounded, 'out of order')).toBe('seq 3 was overtaken by up to 3 tickets');
});

test('examples are few, the count is whole', async () => {
  const sale = honestSale();
  sale.rows = [];
  const lost = (await check(sale)).findings.find(({ name }) => name === 'lost')!;
  expect(lost.count).toBe(6);
  expect(lost.examples).toHaveLength(3);
});

test('rows that come late, but in time, are waited for', async () => {
  const sale = honestSale();
  const campaign = uniqueName('late');
  const checking = checkLedger({ databaseUrl: ledger.url, campaign, stock: 6, log: sale.log, settleMs: 10_000 });
  await ledger.write(campaign, { ...sale, rows: sale.rows.slice(0, 3) });
  await ledger.write(campaign, { ...sale, rows: sale.rows.slice(3) });
  expect(found(await checking)).toEqual([]);
});

test('rows of unanswered users do not stand in for rows that are still to come', async () => {
  const sale = honestSale();
  sale.log.joins[6] = silence('u6', 6);
  sale.stock = 7;
  sale.log.joins.splice(7);
  const campaign = uniqueName('late');
  const unanswered = { ...sale.rows[5]!, unit: 7, user: 'u6', seq: 7, code: 'CODE7' };
  await ledger.write(campaign, { ...sale, rows: [...sale.rows.slice(0, 5), unanswered] });
  const checking = checkLedger({ databaseUrl: ledger.url, campaign, stock: 7, log: sale.log, settleMs: 10_000 });
  setTimeout(() => void ledger.write(campaign, { ...sale, rows: sale.rows.slice(5) }), 400);
  expect(found(await checking)).toEqual([]);
});

test('a ledger that cannot be read is no verdict', async () => {
  const { log, stock } = honestSale();
  const settled = { campaign: 'x', stock, log, settleMs: 0 };
  await expect(checkLedger({ ...settled, databaseUrl: 'mysql://root@127.0.0.1:1/x' })).rejects.toThrow(/ECONNREFUSED/);
  const elsewhere = new URL(databaseUrl());
  elsewhere.pathname = '/mysql';
  await expect(checkLedger({ ...settled, databaseUrl: elsewhere.href })).rejects.toThrow(/cannot be read.*issuances/);
});
