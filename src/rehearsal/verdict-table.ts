// The verdict for people: one line per figure, each with its unit.
import { REFUSALS, type Verdict } from './verdict.ts';

/** The table as text, ending in the verdict line. */
export function verdictTable(verdict: Verdict): string {
  const lines = figuresOf(verdict).map(([name, value, unit]) => {
    const shown = value === undefined ? '–' : value.toLocaleString('en-GB');
    return `  ${name.padEnd(38)}${shown.padStart(12)} ${unit}`;
  });
  const broken = verdict.findings.filter(({ count }) => count > 0);
  const examples = broken.flatMap(({ name, promise, examples }) =>
    examples.map((example) => `  ${promise} ${name}: ${example.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '\uFFFD')}`),
  );
  return ['', `Rehearsal ${verdict.campaign}`, ...lines, ...examples, verdictLine(verdict), ''].join('\n');
}

type Figure = [name: string, value: number | undefined, unit: string];

function figuresOf(verdict: Verdict): Figure[] {
  return [
    ['buyers', verdict.buyerCount, 'buyers'],
    ['stock', verdict.stockUnits, 'units'],
    ['accepted (202)', verdict.acceptedCount, 'answers'],
    ['known (200)', verdict.knownCount, 'answers'],
    ...REFUSALS.map((kind): Figure => [`refused: ${kind}`, verdict.refusedCounts[kind], 'answers']),
    ['unknown, asked again', verdict.unknownCount, 'answers'],
    ['without a final answer', verdict.unansweredBuyerCount, 'buyers'],
    ['issued', verdict.issuedCount, 'tickets'],
    ['  of them never answered (allowed)', verdict.unansweredRowCount, 'tickets'],
    ['failed and kept', verdict.failedAndKeptCount, 'tickets'],
    ...verdict.findings.map(({ name, promise, count }): Figure => [`${promise} ${name}`, count, 'breaches']),
    ['out of order, at most', verdict.inversionMaxTickets, 'tickets'],
    ['joins', verdict.joinsPerSecond, 'requests/s'],
    ['join p50', verdict.joinP50Ms, 'ms'],
    ['join p99', verdict.joinP99Ms, 'ms'],
    ['  of it the generator’s own, p99', verdict.sendLateP99Ms, 'ms'],
    ['join to issued, as polled, p50', verdict.seenIssuedP50Ms, 'ms'],
    ['join to issued, as polled, p99', verdict.seenIssuedP99Ms, 'ms'],
    ['admitted to issued, ledger, p50', verdict.ledgerIssuedP50Ms, 'ms'],
    ['admitted to issued, ledger, p99', verdict.ledgerIssuedP99Ms, 'ms'],
    ['drain', verdict.drainTicketsPerSecond, 'tickets/s'],
    ['elapsed', Math.round(verdict.elapsedMs / 100) / 10, 's'],
  ];
}

function verdictLine({ verdict, brokenPromises }: Verdict): string {
  if (verdict === 'KEPT') return 'verdict: KEPT';
  if (verdict === 'INTERRUPTED') return 'verdict: none (interrupted; the ledger was not checked)';
  return `verdict: BROKEN ${brokenPromises.join(', ')}`;
}
