// `npm run bench`: every figure of the design, measured in one run. Options: --quick, --only <figure>, --rounds N, --json.
// `--against <checkout>` measures this code against that of another folder instead, where `npm install` was run.
import { parseArgs } from 'node:util';
import { EXIT_OUTPUT_LOST, outliveOutput } from '../src/process/output.ts';
import { type Context, type Figure, type FigureResult, measureFigure, type Settings } from './figure.ts';
import { against } from './figures/against.ts';
import { attacks } from './figures/attacks.ts';
import { drain } from './figures/drain.ts';
import { durability } from './figures/durability.ts';
import { ended } from './figures/ended.ts';
import { failovers } from './figures/failovers.ts';
import { growth } from './figures/growth.ts';
import { joins } from './figures/joins.ts';
import { kafka } from './figures/kafka.ts';
import { kafkaPeer } from './figures/kafka-peer.ts';
import { outages } from './figures/outages.ts';
import { overload } from './figures/overload.ts';
import { polls } from './figures/polls.ts';
import { refusals } from './figures/refusals.ts';
import { scrape } from './figures/scrape.ts';
import { starts } from './figures/starts.ts';
import { telemetry, telemetryDrain } from './figures/telemetry.ts';
import { waiters } from './figures/waiters.ts';
import { describeMachine } from './machine.ts';
import { killAll, pinSelf } from './processes.ts';
import { openStand } from './stand.ts';
import { markdown, type Report, writeReport } from './table.ts';

const FIGURES: readonly Figure[] = [
  joins,
  durability,
  polls,
  refusals,
  drain,
  growth,
  telemetry,
  scrape,
  telemetryDrain,
  outages,
  overload,
  failovers,
  starts,
  waiters,
  attacks,
  ended,
  kafka,
  kafkaPeer,
];
/** With fewer connections a closed loop waits for the disk (fsync before every answer) and neither core is busy. */
const CONNECTIONS = 256;
const FULL: Settings = { quick: false, rounds: 5, seconds: 4, warmSeconds: 3, connections: CONNECTIONS };
const QUICK: Settings = { quick: true, rounds: 2, seconds: 0.4, warmSeconds: 0.5, connections: CONNECTIONS };

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string' },
    json: { type: 'boolean', default: false },
    against: { type: 'string' },
  },
});

outliveOutput({ means: 'The figures are lost.', exitCode: EXIT_OUTPUT_LOST });
process.on('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

process.exitCode = await main();

/** 0 when every figure met its bar, 1 when not; a quick run only fails when a figure could not be measured. */
async function main(): Promise<number> {
  await using there = values.against === undefined ? undefined : openStand(values.against);
  const figures = there === undefined ? FIGURES : against(there);
  const chosen = figures.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  const preset = values.quick ? QUICK : FULL;
  const settings = { ...preset, rounds: values.rounds === undefined ? preset.rounds : wholeNumber(values.rounds) };
  const unknown = values.only.filter((name) => !figures.some((figure) => figure.name === name));
  if (unknown.length > 0 || !Number.isInteger(settings.rounds) || settings.rounds < 1) {
    console.error(`--only takes ${figures.map(({ name }) => name).join(', ')}; --rounds takes a number from 1`);
    return 2;
  }
  pinSelf();
  const report = await measure(chosen, settings);
  console.log(values.json ? JSON.stringify(report, null, 1) : markdown(report));
  if (values.quick || values.against !== undefined || chosen.length < FIGURES.length)
    console.error('Not a full run: no file was written.');
  else for (const path of writeReport(report)) console.error(`wrote ${path}`);
  const verdicts = new Set(report.figures.flatMap(({ rows }) => rows.map(({ verdict }) => verdict)));
  return verdicts.has('not run') || (!values.quick && verdicts.has('missed')) ? 1 : 0;
}

/** NaN for what is no plain number: Number() would also read 0x10 and an empty text. */
function wholeNumber(text: string): number {
  return /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
}

async function measure(chosen: readonly Figure[], settings: Settings): Promise<Report> {
  const date = new Date().toISOString();
  const startMs = performance.now();
  const figures: FigureResult[] = [];
  const tell = (line: string): void => console.error(line);
  await using stand = openStand();
  const context: Context = { ...settings, stand, tell };
  for (const figure of chosen) {
    tell(`${figure.name} (${Math.round((performance.now() - startMs) / 1000)} s)`);
    figures.push(await measureFigure(figure, context));
  }
  const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  const tookSeconds = (performance.now() - startMs) / 1000;
  return { date, command, tookSeconds, settings, machine: describeMachine(), figures };
}
