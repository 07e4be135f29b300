// Makes alerts fire by real faults in a real Prometheus, and clear after them: `npm run alerts [-- <drill> …]`. Nothing is
// compressed: rules, scrape interval and evaluation are those of otel/. Writes bench/results/alerts.md; exit code 1 when an
// alert did not fire within two minutes, or within the time of its rule where that is longer, or did not clear.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { atRest } from '../otel/dashboards/panel.ts';
import { BOARDS } from '../otel/dashboards/panels.ts';
import { alerts } from '../test/deploy/rules.ts';
import { ROOT } from '../test/helpers/root.ts';
import { DRILLS, type Drill, FIRES_LATE, NOT_DRILLED } from './alerts/drills.ts';
import { openScene, type Scene } from './alerts/scene.ts';
import { describeMachine } from './machine.ts';
import { ownerOf } from './open-loop.ts';
import { killAll, openFolder } from './processes.ts';

/** The reports' goal. */
const FIRE_MS = 120_000;
/** Rates over up to two minutes have to forget the fault, and a connection to be made again. */
const CLEAR_MS = 360_000;
const LOOK_MS = 500;
/** Its windows forget a complete outage after hours: it fires as long as the fault is in them. */
const CLEARS_LATE: ReadonlySet<string> = new Set([
  'SluiceErrorBudgetBurnsFast',
  'SluiceErrorBudgetBurns',
  'SluiceOwnErrors',
]);

interface Row {
  drill: string;
  alert: string;
  /** s; undefined when it did not happen. */
  firedAfter: number | undefined;
  clearedAfter: number | undefined | 'by its window';
}

const { positionals } = parseArgs({ allowPositionals: true });
const names = positionals.length > 0 ? positionals : Object.keys(DRILLS);
const unknown = names.filter((name) => DRILLS[name] === undefined);
if (unknown.length > 0) throw new Error(`no drill ${unknown.join(', ')}; there are ${Object.keys(DRILLS).join(', ')}`);
const forgotten = alerts.filter(
  ({ alert }) =>
    NOT_DRILLED[alert] === undefined && !Object.values(DRILLS).some((drill) => drill.alerts.includes(alert)),
);
if (forgotten.length > 0) throw new Error(`no drill is about ${forgotten.map(({ alert }) => alert).join(', ')}`);

const rows: Row[] = [];
try {
  await using stack = new AsyncDisposableStack();
  const scene = await openScene(ownerOf(stack), openFolder());
  for (const name of names) {
    const drill = DRILLS[name]!;
    const met = await run(scene, name, drill);
    rows.push(...met);
    for (const row of met) console.log(lineOf(row));
  }
  const answered = await Promise.all(panelExpressions().map((expr) => scene.prometheus.query(expr)));
  const filled = answered.filter((values) => values.length > 0).length;
  console.log(`Prometheus evaluated ${answered.length} expressions of the dashboards; ${filled} have values now.`);
  const errors = await scene.prometheus.ruleErrors();
  for (const error of errors) console.error(error);
  if (errors.length > 0) process.exitCode = 1;
} finally {
  killAll();
}
const bad = rows.filter(({ firedAfter, clearedAfter }) => firedAfter === undefined || clearedAfter === undefined);
if (bad.length > 0) process.exitCode = 1;
const file = join(ROOT, 'bench/results/alerts.md');
writeFileSync(file, report(existsSync(file) ? readFileSync(file, 'utf8') : ''));

/** Throws in the caller where Prometheus takes one for no expression. */
function panelExpressions(): string[] {
  const panels = BOARDS.flatMap(({ rows: parts }) => parts.flatMap((part) => part.panels));
  return panels.flatMap(({ queries }) => queries.map(({ expr }) => atRest(expr)));
}

async function run({ prometheus, ...rest }: Scene, name: string, drill: Drill): Promise<Row[]> {
  const scene = { prometheus, ...rest };
  // What a drill before this one left behind would be no alert of this one.
  await when(
    () => CLEAR_MS,
    drill.alerts,
    async (alert) => CLEARS_LATE.has(alert) || !(await prometheus.firing()).has(alert),
  );
  console.log(`${name}: ${drill.fault}`);
  const end = await drill.begin(scene);
  const fireMs = (alert: string) => Math.max(FIRE_MS, 1_000 * (FIRES_LATE[alert] ?? 0));
  const fired = await when(fireMs, drill.alerts, async (alert) => (await prometheus.firing()).has(alert));
  const waited = drill.alerts.filter((alert) => fired.has(alert) && !CLEARS_LATE.has(alert));
  // What an operator does about the fault is a part of the time that it takes.
  const clearing = when(
    () => CLEAR_MS,
    waited,
    async (alert) => !(await prometheus.firing()).has(alert),
  );
  const [cleared] = await Promise.all([clearing, end()]);
  return drill.alerts.map((alert) => ({
    drill: name,
    alert,
    firedAfter: fired.get(alert),
    clearedAfter: CLEARS_LATE.has(alert) ? 'by its window' : cleared.get(alert),
  }));
}

/** After how many seconds each of them was as asked for; those that were not within the time are missing. */
async function when(
  withinMs: (alert: string) => number,
  wanted: readonly string[],
  isSo: (alert: string) => Promise<boolean>,
): Promise<Map<string, number>> {
  const from = performance.now();
  const times = new Map<string, number>();
  const longestMs = Math.max(0, ...wanted.map(withinMs));
  while (times.size < wanted.length && performance.now() - from < longestMs) {
    for (const alert of wanted) {
      const isLate = performance.now() - from >= withinMs(alert);
      if (!isLate && !times.has(alert) && (await isSo(alert).catch(() => false))) {
        times.set(alert, Math.round((performance.now() - from) / 1_000));
      }
    }
    await sleep(LOOK_MS);
  }
  return times;
}

function lineOf({ drill, alert, firedAfter, clearedAfter }: Row): string {
  const text = (value: Row['clearedAfter']) =>
    typeof value === 'number' ? `${value} s` : (value ?? '**not in time**');
  return `| ${drill} | \`${alert}\` | ${text(firedAfter)} | ${text(clearedAfter)} |`;
}

/** What earlier runs on this machine wrote of other drills is kept. */
function report(before: string): string {
  const kept = before.split('\n').filter((line) => {
    const drill = /^\| ([\w-]+) \| `/.exec(line)?.[1];
    return drill !== undefined && DRILLS[drill] !== undefined && !names.includes(drill);
  });
  const lines = [...kept, ...rows.map(lineOf)];
  const drilled = Object.keys(DRILLS).filter((name) => lines.some((line) => line.startsWith(`| ${name} |`)));
  const left = Object.keys(DRILLS).filter((name) => !drilled.includes(name));
  const { cpu, cores, system, redis, database } = describeMachine();
  const faults = drilled.map((name) => `- **${name}**: ${DRILLS[name]!.fault}`);
  const others = Object.entries(NOT_DRILLED).map(([alert, why]) => `- \`${alert}\`: ${why}`);
  return [
    '# Alerts that were made to fire',
    '',
    `Written by \`npm run alerts\` on ${new Date().toISOString().slice(0, 10)}: ${cores} cores of ${cpu}, ${system}, Redis ${redis}, database ${database}.`,
    'Prometheus scrapes and evaluates each 5 s, as in `otel/prometheus.local.yml`. Times are from the beginning of the fault until the alert fires, and from the',
    'beginning of the repair until the alert is gone.',
    '',
    '| drill | alert | fires after | clears after |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
    ...faults,
    '',
    ...(left.length === 0 ? [] : [`Written and not run yet: ${left.join(', ')}.`, '']),
    'Without a drill, held by `test/deploy/alert-rules.test.ts` alone:',
    '',
    ...others,
    '',
  ].join('\n');
}
