// The few lines of a run that go to people: to a webhook as chat services take it.
import type { ShapeReport } from './report.ts';

const WEBHOOK_MS = 10_000;

/** One line for the run and one for each shape, with the bars that were broken. */
export function summaryOf(what: string, reports: readonly ShapeReport[]): string {
  const failedCount = reports.filter(({ passed }) => !passed).length;
  const verdict = failedCount === 0 ? 'every bar was held' : `${failedCount} of ${reports.length} shapes broke a bar`;
  return [`Sluice load ${what}: ${verdict}`, ...reports.map(lineOf)].join('\n');
}

function lineOf({ shape, passed, calls, tickets, bars }: ShapeReport): string {
  const join = calls.find(({ call }) => call === 'join');
  const broken = bars
    .filter(({ held }) => held === false)
    .map(({ meaning, atMost, value }) => `${meaning}: ${value}, at most ${atMost}`);
  const figures = `${join?.count ?? 0} joins, p95 ${join?.p95Ms ?? 0} ms, ${tickets.issued} issued`;
  return `- ${shape} ${passed ? 'passed' : 'FAILED'}: ${figures}${broken.map((text) => `; ${text}`).join('')}`;
}

/** Sends `{text}`; gives what went wrong, or undefined. Never rejects: a report is worth more than its announcement. */
export async function sendSummary(url: string, text: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      signal: AbortSignal.timeout(WEBHOOK_MS),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `it answered ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
