// One command: its service, its shapes one after another, its reports. Gives the exit code instead of taking it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shapeOf, WEEKLY } from '../../k6/shapes/shapes.ts';
import { adminTokenOf } from '../rehearsal/settings.ts';
import type { Arguments } from './arguments.ts';
import type { Service } from './campaign.ts';
import { htmlOf } from './html.ts';
import { markdownOf, type ShapeReport } from './report.ts';
import { runShape } from './run-shape.ts';
import { startService } from './service.ts';
import { sendSummary, summaryOf } from './summary.ts';

export const EXIT = {
  passed: 0,
  broken: 1,
  couldNotRun: 2,
  notAllowed: 77,
  badArguments: 78,
  interrupted: 130,
} as const;

export interface LoadDeps {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  /** Aborted on SIGINT and SIGTERM. */
  stopping: AbortSignal;
  environment: Parameters<typeof adminTokenOf>[1] & { GATEWAY_SECRET?: string | undefined };
  /** What a service of the load's own is started with. */
  bare: Record<string, string | undefined>;
}

/** Runs what was asked for, writes the reports and gives the exit code. Throws `CannotRun`. */
export async function runLoad(deps: LoadDeps, given: Arguments): Promise<number> {
  const say = (line: string) => deps.stderr.write(`${line}\n`);
  await using open = new AsyncDisposableStack();
  const service = await serviceOf(deps, given, open, say);
  const isWeekly = given.what === 'weekly';
  const names = isWeekly ? WEEKLY : [given.what];
  const secret = given.target === undefined ? undefined : deps.environment.GATEWAY_SECRET;
  const reports: ShapeReport[] = [];
  const summary = summaryTo(given.webhook, say);
  for (const name of names) {
    const running = runShape(shapeOf(name)!, {
      service,
      ...(secret === undefined ? {} : { gatewaySecret: secret }),
      size: given.size,
      ...(given.processes === undefined ? {} : { processes: given.processes }),
      countsOnly: given.countsOnly,
      say,
      stopping: deps.stopping,
    });
    const report = await running.catch(async (error: unknown) => {
      // A run that did not happen is news as well, and cron's mail may be read by other people.
      await summary(`Sluice load ${given.what}: ${name} could not run`);
      throw error;
    });
    if (deps.stopping.aborted) return EXIT.interrupted;
    reports.push(report);
    say(`  ${report.passed ? 'every bar was held' : 'a bar was broken'}`);
  }
  for (const path of await write(given, reports)) say(`wrote ${path}`);
  deps.stdout.write(
    given.json ? `${JSON.stringify(isWeekly ? reports : reports[0])}\n` : reports.map(markdownOf).join('\n'),
  );
  await summary(summaryOf(given.what, reports));
  return exitOf(reports);
}

/** Sends a text to the webhook, if there is one, and says what went wrong with it. */
function summaryTo(webhook: string | undefined, say: (line: string) => void): (text: string) => Promise<void> {
  return async (text) => {
    const problem = webhook === undefined ? undefined : await sendSummary(webhook, text);
    if (problem !== undefined) say(`the webhook did not take the summary: ${problem}`);
  };
}

/** 0 when every shape passed, else 1. */
export const exitOf = (reports: readonly ShapeReport[]): number =>
  reports.every(({ passed }) => passed) ? EXIT.passed : EXIT.broken;

async function serviceOf(
  { environment, bare }: LoadDeps,
  { target, adminToken }: Arguments,
  open: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<Service> {
  if (target !== undefined) return { ...target, adminToken: adminTokenOf(adminToken, environment) };
  say('starting a service with a Redis and a MariaDB of its own');
  return open.use(await startService(bare));
}

/** JSON and Markdown of all that ran, and a page with plots of a weekly run; gives the paths. */
async function write({ what, out }: Arguments, reports: readonly ShapeReport[]): Promise<string[]> {
  await mkdir(out, { recursive: true });
  // 2026-11-27T08:00:00.000Z is 20261127-080000.
  const stamp = reports[0]!.date.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  const file = (extension: string) => join(out, `${what}-${stamp}.${extension}`);
  const texts: [string, string][] = [
    [file('json'), `${JSON.stringify(what === 'weekly' ? reports : reports[0], null, 1)}\n`],
    [file('md'), reports.map(markdownOf).join('\n')],
    ...(what === 'weekly' ? [[file('html'), htmlOf(reports)] as [string, string]] : []),
  ];
  for (const [path, text] of texts) await writeFile(path, text);
  return texts.map(([path]) => path);
}
