// Decides from the generator's log and the ledger's rows whether the promises were kept. Shares no code with the service.
import { CannotRun } from './cannot-run.ts';
import { gatherEvidence, holdersOf, isSettled } from './evidence.ts';
import { countLedger, type LedgerContents, type LedgerRow, readLedger } from './ledger-reader.ts';
import { EXAMPLES_MAX, LEDGER_POLL_MS } from './limits.ts';
import type { Log } from './log.ts';
import { RULES, type Rule, type RuleName } from './rules.ts';
import { createPauses, monotonicClock } from './time.ts';

/** A way a promise was broken, how often, and the first few examples; `count` 0 when it was kept. */
export interface Finding {
  name: RuleName;
  promise: Rule['promise'];
  count: number;
  examples: string[];
}

export interface CheckReport {
  findings: Finding[];
  ledger: LedgerContents;
  /** The furthest a ticket was overtaken in the ledger: largest (running max seq − seq) in order of issue, in tickets. */
  inversionMaxTickets: number;
  /** Rows of users who were never answered: allowed, because "unknown" may mean admitted. */
  unansweredRowCount: number;
}

export interface LedgerCheck {
  databaseUrl: string;
  campaign: string;
  stock: number;
  log: Log;
  /** How long rows may still appear, in ms, before what is missing counts as missing. */
  settleMs: number;
  /** Aborted: judge at once what is there. */
  interrupted?: AbortSignal;
  /** Overtaking beyond this many tickets is a breach of P3; absent: only measured. */
  inversionMax?: number;
}

/** Waits until every ticket given has a row or a dead letter, at most `settleMs`, then judges. Throws `CannotRun`. */
export async function checkLedger(check: LedgerCheck): Promise<CheckReport> {
  return findBreaches({ ...check, ledger: await settledLedger(check) });
}

/** The judgement alone, on contents already read. */
export function findBreaches(given: {
  log: Log;
  ledger: LedgerContents;
  stock: number;
  inversionMax?: number;
}): CheckReport {
  const evidence = gatherEvidence(given.log, given.ledger, given.stock);
  const findings: Finding[] = RULES.map(({ name, promise, breaches }) => findingOf(name, promise, breaches(evidence)));
  const overtaken = overtakings(given.ledger.rows);
  const { inversionMax } = given;
  if (inversionMax !== undefined) {
    const beyond = overtaken.filter(({ tickets }) => tickets > inversionMax);
    const examples = beyond.map(({ row, tickets }) => `seq ${row.seq} was overtaken by up to ${tickets} tickets`);
    findings.push(findingOf('out of order', 'P3', examples));
  }
  return {
    findings,
    ledger: given.ledger,
    inversionMaxTickets: overtaken.reduce((max, { tickets }) => Math.max(max, tickets), 0),
    unansweredRowCount: given.ledger.rows.filter(({ user }) => evidence.unresolved.has(user)).length,
  };
}

async function settledLedger(check: LedgerCheck): Promise<LedgerContents> {
  const { databaseUrl, campaign, log, stock } = check;
  const deadlineMs = monotonicClock() + check.settleMs;
  const pauses = createPauses();
  const holders = holdersOf(log);
  for (;;) {
    const last = check.interrupted?.aborted === true || monotonicClock() >= deadlineMs;
    try {
      if (last || (await countLedger(databaseUrl, campaign)) >= holders.size) {
        const ledger = await readLedger(databaseUrl, campaign);
        const evidence = gatherEvidence(log, ledger, stock);
        if (last || holders.values().every((holder) => isSettled(evidence, holder))) return ledger;
      }
    } catch (error) {
      // A ledger that is being restarted is worth the wait; one that is still away at the end is not.
      if (last || !(error instanceof CannotRun)) throw error;
    }
    await pauses.sleep(Math.min(LEDGER_POLL_MS, Math.max(0, deadlineMs - monotonicClock())));
  }
}

function overtakings(rows: readonly LedgerRow[]): { row: LedgerRow; tickets: number }[] {
  const inOrder = [...rows].sort((a, b) => a.issuedAtUs - b.issuedAtUs || a.seq - b.seq);
  let furthest = 0;
  return inOrder.map((row) => {
    furthest = Math.max(furthest, row.seq);
    return { row, tickets: furthest - row.seq };
  });
}

function findingOf(name: RuleName, promise: Rule['promise'], breaches: string[]): Finding {
  return { name, promise, count: breaches.length, examples: breaches.slice(0, EXAMPLES_MAX) };
}
