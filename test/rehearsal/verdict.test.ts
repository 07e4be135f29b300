import { expect, test } from 'vitest';
import { findBreaches } from '../../src/rehearsal/checker.ts';
import { nothingHeard, verdictOf } from '../../src/rehearsal/verdict.ts';
import { verdictTable } from '../../src/rehearsal/verdict-table.ts';
import { answered, honestSale, type PastSale, silence } from './past-sale.ts';

const GIVEN = { campaign: 'rehearsal-1', stock: 6, buyers: 10 };
const verdictOn = ({ log, rows, deadLetterSeqs, stock }: PastSale) =>
  verdictOf({ ...GIVEN, log, check: findBreaches({ log, stock, ledger: { rows, deadLetterSeqs } }) });

test('a sale that kept every promise is KEPT, with its figures', () => {
  const verdict = verdictOn(honestSale());
  expect(verdict).toMatchObject({
    verdict: 'KEPT',
    brokenPromises: [],
    acceptedCount: 6,
    knownCount: 0,
    refusedCounts: { 'sold-out': 4, throttled: 0 },
    unknownCount: 0,
    unansweredBuyerCount: 0,
    issuedCount: 6,
    joinP50Ms: 0.5,
    joinP99Ms: 0.5,
    sendLateP99Ms: 0,
    joinsPerSecond: 1053, // 10 joins, the last answered at 9.5 ms
    seenIssuedP50Ms: 47, // seen at 50 ms, due at 0 to 5 ms
    seenIssuedP99Ms: 50,
    ledgerIssuedP50Ms: 3, // issued 1 to 6 ms after the admission
    ledgerIssuedP99Ms: 6,
    drainTicketsPerSecond: 1000, // 5 more within 5 ms of the first
    elapsedMs: 100,
  });
});

test('a broken sale is BROKEN, with each promise once and an example', () => {
  const sale = honestSale();
  sale.rows.splice(2, 2);
  sale.log.joins[9] = { ...sale.log.joins[9]!, user: 'u0' };
  const verdict = verdictOn(sale);
  expect(verdict).toMatchObject({ verdict: 'BROKEN', brokenPromises: ['P2', 'P4'], unansweredBuyerCount: 1 });
  const table = verdictTable(verdict);
  expect(table).toMatch(/verdict: BROKEN P2, P4\n$/);
  expect(table).toMatch(/P2 lost +2 breaches/);
  expect(table).toMatch(/P2 lost: u2 holds seq 3/);
});

test('every figure of the table has a unit, and what was not measured is a dash', () => {
  const sale = honestSale();
  sale.log.joins = [answered('u0', 'throttled', 429, 0)];
  sale.log.sightings = [];
  sale.rows = [];
  const figures = verdictTable(verdictOn(sale))
    .split('\n')
    .filter((line) => line.startsWith('  '));
  expect(figures.length).toBeGreaterThan(30);
  for (const line of figures) {
    expect(line).toMatch(/ (–|[\d.,]+) (buyers|units|answers|tickets|breaches|requests\/s|ms|tickets\/s|s)$/);
  }
  expect(figures.find((line) => line.includes('drain'))).toMatch(/– tickets\/s$/);
});

test('an interrupted rehearsal judges nothing', () => {
  const sale = honestSale();
  const verdict = verdictOf({ ...GIVEN, log: sale.log });
  expect(verdict).toMatchObject({ verdict: 'INTERRUPTED', brokenPromises: [], findings: [], acceptedCount: 6 });
  expect(verdictTable(verdict)).toMatch(/verdict: none \(interrupted; the ledger was not checked\)/);
});

test('a sale in which nobody got a final answer was not heard', () => {
  const { log } = honestSale();
  expect(nothingHeard(log)).toBe(false);
  log.joins = [silence('u0', 0), answered('u1', 'throttled', 429, 0)];
  expect(nothingHeard(log)).toBe(true);
});
