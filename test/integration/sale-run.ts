// The sale of the acceptance test: a crowd that asks twice at once, followed to the last ticket, and what must be true.
import { expect } from 'vitest';
import { type CheckReport, checkLedger } from '../../src/rehearsal/checker.ts';
import type { LedgerRow } from '../../src/rehearsal/ledger-reader.ts';
import { createLoad, type Load } from '../../src/rehearsal/load.ts';
import type { JoinAnswer, Log } from '../../src/rehearsal/log.ts';
import { verdictOf } from '../../src/rehearsal/verdict.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';

export interface SalePlan {
  campaign: string;
  stock: number;
  buyers: number;
  ratePerSecond: number;
  shards: number;
}

export interface SaleResult {
  plan: SalePlan;
  log: Log;
  check: CheckReport;
  verdict: ReturnType<typeof verdictOf>;
  /** By the independent checker. */
  rows: LedgerRow[];
}

/** A busy machine settles a sale in minutes. */
export const SETTLE_MS = 4 * DEADLINE_MS;

export function openSale(front: { url: string; adminUrl: string; adminToken: string }, plan: SalePlan): Load {
  const { campaign: id, stock, shards } = plan;
  return createLoad({ ...front, campaign: { id, stock, shards } });
}

/** Every buyer asks twice at once and follows the ticket to its end. */
export async function holdSale(load: Load, plan: SalePlan, databaseUrl: string): Promise<SaleResult> {
  const { campaign, stock, buyers, ratePerSecond } = plan;
  const habits = { repeatShare: 1, togetherShare: 1, pollShare: 1, seed: campaign, deadlineMs: SETTLE_MS };
  const log = await load.run({ buyers, ratePerSecond, ...habits });
  const check = await checkLedger({ databaseUrl, campaign, stock, log, settleMs: SETTLE_MS });
  const verdict = verdictOf({ campaign, stock, buyers, log, check });
  return { plan, log, check, verdict, rows: check.ledger.rows };
}

/** Final answers only: what a buyer is left with. Refusals that say "ask again" were asked again. */
export const finalAnswers = (log: Log): Map<string, JoinAnswer[]> =>
  Map.groupBy(
    log.joins.filter(({ status }) => [202, 200, 409].includes(status)),
    ({ user }) => user,
  );

/** What must be true of a sale, whatever went wrong while it was held, by the raw log and the rows alone. */
export function expectKept({ plan, log, check, verdict, rows }: SaleResult): void {
  const { stock, buyers } = plan;
  const units = Array.from({ length: stock }, (_, index) => index + 1);
  expect(check.findings.filter(({ count }) => count > 0)).toEqual([]);
  expect(verdict).toMatchObject({ verdict: 'KEPT', issuedCount: stock, failedAndKeptCount: 0 });

  expect(rows.map(({ unit }) => unit).toSorted((a, b) => a - b)).toEqual(units);
  expect(rows.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(units);
  expect(new Set(rows.map(({ user }) => user)).size).toBe(stock);

  const answers = finalAnswers(log);
  expect(answers.size).toBe(buyers);
  const rowOf = new Map(rows.map((row) => [row.user, row]));
  const codes = new Map(log.sightings.filter(({ status }) => status === 'issued').map((seen) => [seen.user, seen]));
  let holders = 0;
  for (const [user, given] of answers) {
    const tickets = given.filter(({ ticket }) => ticket !== undefined);
    // Both of a buyer's joins end alike: two tickets with one string, or two refusals.
    expect(tickets.length === 0 || tickets.length === given.length, user).toBe(true);
    if (tickets.length === 0) continue;
    holders += 1;
    expect(new Set(tickets.map(({ ticket }) => ticket)).size).toBe(1);
    expect(tickets[0]!.seq).toBe(rowOf.get(user)?.seq);
    expect(codes.get(user)).toMatchObject({ code: rowOf.get(user)?.code, unit: rowOf.get(user)?.unit });
  }
  expect(holders).toBe(stock);
}
