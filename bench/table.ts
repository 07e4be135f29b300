// The results for people and for programs: Markdown between two markers of docs/benchmarks.md, JSON with every round.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FigureResult, median, type Row, type Settings } from './figure.ts';
import type { Machine } from './machine.ts';

export interface Report {
  date: string;
  command: string;
  tookSeconds: number;
  settings: Settings;
  machine: Machine;
  figures: FigureResult[];
}

const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
const BEGIN = '<!-- bench:begin (written by npm run bench) -->';
const END = '<!-- bench:end -->';
const NEW_PAGE = `# Benchmarks

A figure is a ratio of two things measured in alternating rounds of one run, or a quantity (ms, MB, bytes) of this
machine, the median of its rounds; see \`bench/\`. Tests measure no time: what has a bar in ms is a figure here.

${BEGIN}
${END}
`;

/** Writes `bench/results/<date>.json` and the tables of docs/benchmarks.md; returns the two paths. */
export function writeReport(report: Report): string[] {
  const json = fileURLToPath(new URL(`./results/${report.date.slice(0, 10)}.json`, import.meta.url));
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : NEW_PAGE;
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has lost its markers ${BEGIN} and ${END}`);
  writeFileSync(PAGE, `${page.slice(0, begin + BEGIN.length)}\n${markdown(report)}\n${page.slice(end)}`);
  return [json, PAGE];
}

/** The report as Markdown: where it was measured, the ratios against their bars, and what each contender did. */
export function markdown(report: Report): string {
  const { machine, settings, figures } = report;
  const lines = [
    `Measured ${report.date} with \`${report.command}\` in ${Math.round(report.tookSeconds)} s.`,
    settings.quick
      ? '\n**Quick run: short rounds and small data. It shows that the bench works, not how fast Sluice is.**'
      : '',
    `- ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}`,
    `- Node ${machine.node}, Redis ${machine.redis}, MariaDB ${machine.database}, load by ${machine.load}`,
    `- pinning: ${machine.pinning}`,
    `- ${settings.rounds} alternating rounds of ${settings.seconds} s after ${settings.warmSeconds} s of warm-up, ${settings.connections} connections; medians`,
    '',
    '| figure | bar | value | rounds | of | to | verdict |',
    '| --- | --- | ---: | ---: | ---: | ---: | --- |',
    ...figures.flatMap(({ rows }) => rows.map(rowLine)),
    '',
    '"rounds" is the smallest and largest of the ratios of single rounds; "of" and "to" are the two medians behind the ratio.',
    '',
    'CPU per operation by process, from the accounting of the operating system (µs):',
    '',
    '| figure | contender | operations/s | front | Redis | MariaDB | worker | p50 ms | p99 ms | its core busy | other core busy |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...figures.flatMap(contenderLines),
    '',
    ...figures.flatMap(({ name, notes }) => notes.map((note) => `- ${name}: ${note}`)),
  ];
  return lines.filter((line, i) => line !== '' || lines[i - 1] !== '').join('\n');
}

function rowLine({ text, bar, verdict, value, spread, over, under, reason }: Row): string {
  if (verdict === 'not run') return `| ${text} | ${bar} | – | – | – | – | not run: ${oneLine(reason ?? '')} |`;
  const rounds = spread === undefined ? '–' : spread.map(short).join('–');
  return `| ${text} | ${bar} | **${short(value)}** | ${rounds} | ${short(over)} | ${short(under)} | ${verdict} |`;
}

const COLUMNS = ['ratePerSecond', 'frontCpuUs', 'redisCpuUs', 'databaseCpuUs', 'workerCpuUs', 'p50Ms', 'p99Ms'];

function contenderLines({ name, rounds }: FigureResult): string[] {
  return Object.entries(rounds).map(([contender, samples]) => {
    const middle = (metric: string): number | undefined => {
      const values = samples.map((sample) => sample[metric]).filter((value) => value !== undefined);
      return values.length === 0 ? undefined : median(values);
    };
    const busy = ['contenderCoreBusy', 'storesCoreBusy'].map((metric) => percent(middle(metric)));
    return `| ${[name, contender, ...COLUMNS.map((metric) => short(middle(metric))), ...busy].join(' | ')} |`;
  });
}

function short(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value >= 1000) return String(Math.round(value));
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

const percent = (share: number | undefined): string => (share === undefined ? '–' : `${Math.round(share * 100)} %`);

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 300);
