// The report of a run: as data, which is written as JSON, and as Markdown for a person.
import type { Bar, CallRow, Second } from './figures.ts';
import type { Machine } from './machine.ts';

export interface ShapeReport {
  shape: string;
  asks: string;
  reports?: string;
  /** ISO 8601. */
  date: string;
  scale: number;
  length: number;
  countsOnly: boolean;
  machine: Machine;
  generator: {
    processes: number;
    neededPerSecond: number;
    triedPerSecond: number;
    arrivals: number;
    lateP99Ms: number;
    lateMaxMs: number;
    /** Later than a generator may be: the times of this run are not the service's alone. */
    isLate: boolean;
  };
  calls: CallRow[];
  tickets: { accepted: number; admitted: number; issued: number; givenBack: number };
  /** From the answer of a join until its buyer read `issued`, of buyers who followed their ticket. */
  heard: { count: number; p50Ms: number; p95Ms: number; p99Ms: number; maxMs: number };
  wrong: Record<string, number>;
  bars: Bar[];
  passed: boolean;
  seconds: Second[];
}

export function markdownOf(report: ShapeReport): string {
  const { shape, asks, reports, date, scale, length, machine, generator, tickets, heard } = report;
  const size = scale === 1 && length === 1 ? 'full size' : `SCALE=${scale} LENGTH=${length}`;
  return [
    `## ${shape}: ${report.passed ? 'passed' : 'failed'}`,
    '',
    asks,
    ...(reports === undefined ? [] : ['', `In the incident reports: ${reports}.`]),
    '',
    `- ${date}, ${size}${report.countsOnly ? ', bars of time not judged' : ''}`,
    `- ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}`,
    `- ${generator.arrivals} arrivals from ${generator.processes} generator process(es), sent ${generator.lateP99Ms} ms late at p99, ${generator.lateMaxMs} ms at most`,
    ...(generator.isLate ? ['- **The generators did not hold the rate.** Run it with a smaller SCALE.'] : []),
    `- ${tickets.accepted} tickets accepted, ${tickets.issued} issued, ${tickets.givenBack} given back`,
    ...(heard.count === 0
      ? []
      : [
          `- ${heard.count} buyers read "issued" after p50 ${heard.p50Ms} ms, p95 ${heard.p95Ms} ms, p99 ${heard.p99Ms} ms`,
        ]),
    ...Object.entries(report.wrong).map(([what, count]) => `- ${count} times: ${what}`),
    '',
    '| bar | at most | measured | |',
    '| --- | ---: | ---: | --- |',
    ...report.bars.map(
      ({ meaning, atMost, value, held }) =>
        `| ${meaning} | ${atMost} | ${value} | ${held === undefined ? 'not judged' : held ? 'held' : '**broken**'} |`,
    ),
    '',
    '| call | count | p50 ms | p95 ms | p99 ms | max ms | failed | answers |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |',
    ...report.calls.map(
      ({ call, count, p50Ms, p95Ms, p99Ms, maxMs, failedCount, statuses }) =>
        `| ${call} | ${count} | ${p50Ms} | ${p95Ms} | ${p99Ms} | ${maxMs} | ${failedCount} | ${wordsOf(statuses)} |`,
    ),
    '',
  ].join('\n');
}

/** `202 × 30000, 409 × 12`; a request without an answer is `none`. */
const wordsOf = (statuses: Record<string, number>): string =>
  Object.entries(statuses)
    .map(([status, count]) => `${status === '0' ? 'none' : status} × ${count}`)
    .join(', ');
