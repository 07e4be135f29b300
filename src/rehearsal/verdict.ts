// The numbers of a rehearsal and the word over them: KEPT, or BROKEN and which promise.
import type { CheckReport, Finding } from './checker.ts';
import type { LedgerRow } from './ledger-reader.ts';
import { isFinal, type JoinKind, type Log } from './log.ts';
import { p50AndP99 } from './percentiles.ts';

/** Everything `--json` prints; a number that could not be measured is absent. */
export interface Verdict {
  verdict: 'KEPT' | 'BROKEN' | 'INTERRUPTED';
  brokenPromises: string[];
  campaign: string;
  stockUnits: number;
  buyerCount: number;
  acceptedCount: number;
  knownCount: number;
  refusedCounts: Record<Refusal, number>;
  unknownCount: number;
  unansweredBuyerCount: number;
  issuedCount?: number;
  failedAndKeptCount?: number;
  unansweredRowCount?: number;
  findings: Finding[];
  inversionMaxTickets?: number;
  joinP50Ms?: number;
  joinP99Ms?: number;
  /** How late the generator itself was: near the join p99, the generator was the bottleneck, not the service. */
  sendLateP99Ms?: number;
  joinsPerSecond?: number;
  seenIssuedP50Ms?: number;
  seenIssuedP99Ms?: number;
  ledgerIssuedP50Ms?: number;
  ledgerIssuedP99Ms?: number;
  drainTicketsPerSecond?: number;
  elapsedMs: number;
}

export const REFUSALS = ['sold-out', 'not-open', 'throttled', 'paused', 'reduced-capacity', 'ended'] as const;
type Refusal = Extract<JoinKind, (typeof REFUSALS)[number]>;

/** Puts the log and the check together. Without a check (the rehearsal was interrupted) nothing is judged. */
export function verdictOf(given: {
  campaign: string;
  stock: number;
  buyers: number;
  log: Log;
  check?: CheckReport;
}): Verdict {
  const { log, check } = given;
  const count = (kind: JoinKind) => log.joins.reduce((sum, answer) => sum + (answer.kind === kind ? 1 : 0), 0);
  const answered = new Set(log.joins.filter(({ kind }) => isFinal(kind)).map(({ user }) => user));
  const broken = check?.findings.filter((finding) => finding.count > 0) ?? [];
  const word = broken.length === 0 ? 'KEPT' : 'BROKEN';
  const refused = REFUSALS.map((kind) => [kind, count(kind)] as const);
  return {
    verdict: check === undefined ? 'INTERRUPTED' : word,
    brokenPromises: [...new Set(broken.map(({ promise }) => promise))].sort(),
    campaign: given.campaign,
    stockUnits: given.stock,
    buyerCount: given.buyers,
    acceptedCount: count('accepted'),
    knownCount: count('known'),
    refusedCounts: Object.fromEntries(refused) as Record<Refusal, number>,
    unknownCount: count('unknown'),
    unansweredBuyerCount: given.buyers - answered.size,
    findings: check?.findings ?? [],
    ...joinFigures(log),
    ...(check === undefined ? {} : ledgerFigures(check)),
    elapsedMs: Math.round(log.endedMs - log.startedMs),
  };
}

function joinFigures(log: Log): Partial<Verdict> {
  // Unanswered joins count with the time they took: leaving them out would make the slowest service look fast.
  const joins = p50AndP99(log.joins.map(({ intendedMs, answeredMs }) => answeredMs - intendedMs));
  const late = p50AndP99(log.joins.map(({ intendedMs, sentMs }) => sentMs - intendedMs));
  const firstDue = new Map<string, number>();
  for (const { user, intendedMs } of log.joins) {
    firstDue.set(user, Math.min(intendedMs, firstDue.get(user) ?? intendedMs));
  }
  const issued = log.sightings.filter(({ status }) => status === 'issued');
  const seen = p50AndP99(issued.map(({ user, seenMs }) => seenMs - (firstDue.get(user) ?? seenMs)));
  const lastMs = log.joins.reduce((last, { answeredMs }) => Math.max(last, answeredMs), log.startedMs);
  return known({
    joinP50Ms: joins.p50,
    joinP99Ms: joins.p99,
    sendLateP99Ms: late.p99,
    joinsPerSecond: perSecond(log.joins.length, lastMs - log.startedMs),
    seenIssuedP50Ms: seen.p50,
    seenIssuedP99Ms: seen.p99,
  });
}

function ledgerFigures({ ledger, inversionMaxTickets, unansweredRowCount }: CheckReport): Partial<Verdict> {
  const latency = p50AndP99(ledger.rows.map(({ admittedAtUs, issuedAtUs }) => (issuedAtUs - admittedAtUs) / 1000));
  return known({
    issuedCount: ledger.rows.length,
    failedAndKeptCount: ledger.deadLetterSeqs.length,
    unansweredRowCount,
    inversionMaxTickets,
    ledgerIssuedP50Ms: latency.p50,
    ledgerIssuedP99Ms: latency.p99,
    drainTicketsPerSecond: drainPerSecond(ledger.rows),
  });
}

/** Tickets per second from the first to the last `issuedAtUs`; the rows of the first instant took none of that time. */
function drainPerSecond(rows: readonly LedgerRow[]): number | undefined {
  const first = rows.reduce((min, { issuedAtUs }) => Math.min(min, issuedAtUs), Number.POSITIVE_INFINITY);
  const last = rows.reduce((max, { issuedAtUs }) => Math.max(max, issuedAtUs), 0);
  const after = rows.filter(({ issuedAtUs }) => issuedAtUs > first).length;
  return perSecond(after, (last - first) / 1000);
}

const perSecond = (count: number, ms: number) => (ms > 0 ? Math.round((count * 1000) / ms) : undefined);

function known(figures: { [name in keyof Verdict]?: number | undefined }): Partial<Verdict> {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined));
}

/** Whether no buyer got a final answer: then nothing was rehearsed, whatever the findings say. */
export const nothingHeard = (log: Log): boolean => log.joins.length > 0 && !log.joins.some(({ kind }) => isFinal(kind));
