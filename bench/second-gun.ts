// Two shapes sent by a generator that is not ours, beside our own: `npm run bench:second-gun`. It takes vegeta (MIT) from PATH
// or from ~/go/bin: `go install github.com/tsenart/vegeta/v12@v12.13.0`. Without it nothing is run, and the output says so.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { type Size, scaled } from '../k6/shapes/scaled.ts';
import type { Arrivals, Shape } from '../k6/shapes/shape.ts';
import { shapeOf } from '../k6/shapes/shapes.ts';
import { loadEnvironment } from '../src/config/config.ts';
import { openCampaign, type Service } from '../src/load/campaign.ts';
import { markdownOf } from '../src/load/report.ts';
import { runShape } from '../src/load/run-shape.ts';
import { startService } from '../src/load/service.ts';
import { findProgram } from '../src/local/binaries.mjs';
import { killAll, openFolder } from './processes.ts';

/** Shapes whose rate is constant within each of their stages, which is what vegeta sends. */
const CONFIRMED = ['peak', 'steps'];
const NS_PER_MS = 1_000_000;

interface Row {
  shape: string;
  gun: string;
  requests: number;
  statuses: Record<string, number>;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}

/** What `vegeta report -type=json` says, as far as it is read here; latencies in ns. */
interface VegetaReport {
  requests: number;
  status_codes: Record<string, number>;
  latencies: { '50th': number; '95th': number; '99th': number };
}

const { values } = parseArgs({
  options: { scale: { type: 'string', default: '1' }, length: { type: 'string', default: '1' } },
});
const size: Size = { scale: Number(values.scale), length: Number(values.length) };
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

process.on('exit', killAll);

const vegeta = findProgram(['vegeta'], [...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go', 'bin')]);
if (vegeta === undefined) {
  console.error(
    'NOT RUN: there is no vegeta on PATH or in ~/go/bin. Our own figures are confirmed by no other generator.',
  );
  console.error('Install it: go install github.com/tsenart/vegeta/v12@v12.13.0');
} else process.exitCode = await main(vegeta);

/** 0 when vegeta, too, had each join of both shapes answered with a ticket. */
async function main(program: string): Promise<number> {
  await using service = await startService(loadEnvironment().bare);
  const rows: Row[] = [];
  for (const name of CONFIRMED) {
    const shape = shapeOf(name)!;
    rows.push(await ours(shape, service));
    rows.push(await theirs(program, scaled(shape, size), service));
  }
  console.log(tableOf(rows));
  return rows.every(({ statuses }) => Object.keys(statuses).every((status) => status === '202')) ? 0 : 1;
}

async function ours(shape: Shape, service: Service): Promise<Row> {
  const say = (line: string) => console.error(line);
  const report = await runShape(shape, { service, size, countsOnly: false, say, stopping: stopping.signal });
  say(markdownOf(report));
  const { count, statuses, p50Ms, p95Ms, p99Ms } = report.calls.find(({ call }) => call === 'join')!;
  return { shape: shape.name, gun: 'npm run load', requests: count, statuses, p50Ms, p95Ms, p99Ms };
}

/** Joins without followers; each stage is an attack of its own, and the results are reported together. */
async function theirs(program: string, shape: Shape, service: Service): Promise<Row> {
  const campaign = await openCampaign(service, shape);
  const folder = openFolder();
  const files: string[] = [];
  let first = 0;
  for (const { perSecond, seconds } of constantStages(shape.arrivals[0]!)) {
    const file = join(folder, `${files.length}.bin`);
    const count = Math.round(perSecond * seconds);
    const options = { perSecond, seconds, workers: shape.arrivals[0]!.inFlightMax, file };
    const attack = spawn(program, attackOptions(options), { stdio: ['pipe', 'inherit', 'inherit'] });
    // An attack that ends early reads no more.
    attack.stdin.on('error', () => undefined);
    Readable.from(targets(`${service.url}/v1/campaigns/${campaign.id}/tickets`, first, count)).pipe(attack.stdin);
    await ended(attack);
    files.push(file);
    first += count;
  }
  const said = execFileSync(program, ['report', '-type=json', ...files], { encoding: 'utf8' });
  const { requests, status_codes: statuses, latencies } = JSON.parse(said) as VegetaReport;
  await campaign.close();
  const ms = (of: keyof VegetaReport['latencies']) => Math.round(latencies[of] / (NS_PER_MS / 10)) / 10;
  return {
    shape: shape.name,
    gun: 'vegeta',
    requests,
    statuses,
    p50Ms: ms('50th'),
    p95Ms: ms('95th'),
    p99Ms: ms('99th'),
  };
}

interface Attack {
  perSecond: number;
  seconds: number;
  workers: number;
  /** Where vegeta writes what each request met. */
  file: string;
}

function attackOptions({ perSecond, seconds, workers, file }: Attack): string[] {
  return [
    'attack',
    '-format=json',
    '-lazy',
    `-rate=${Math.round(perSecond * 1_000)}/1000s`,
    `-duration=${Math.round(seconds * 1_000)}ms`,
    `-max-workers=${workers}`,
    '-timeout=10s',
    `-output=${file}`,
  ];
}

/** Throws for a rate that changes within a stage. */
function constantStages({ fromPerSecond, stages }: Arrivals): { perSecond: number; seconds: number }[] {
  let from = fromPerSecond;
  return stages.flatMap(({ toPerSecond, seconds }) => {
    const isConstant = from === toPerSecond;
    from = toPerSecond;
    if (seconds === 0) return [];
    if (!isConstant) throw new Error('vegeta sends constant rates only');
    return [{ perSecond: toPerSecond, seconds }];
  });
}

function* targets(url: string, first: number, count: number): Generator<string> {
  for (let n = first; n < first + count; n += 1)
    yield `${JSON.stringify({ method: 'POST', url, header: { 'x-user-id': [`vegeta-${n}`] } })}\n`;
}

async function ended(child: ChildProcess): Promise<void> {
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`vegeta ended with ${code}`);
}

function tableOf(rows: readonly Row[]): string {
  return [
    '| shape | sent by | joins | answers | p50 ms | p95 ms | p99 ms |',
    '| --- | --- | ---: | --- | ---: | ---: | ---: |',
    ...rows.map(({ shape, gun, requests, statuses, p50Ms, p95Ms, p99Ms }) => {
      const answers = Object.entries(statuses).map(([status, count]) => `${status} × ${count}`);
      return `| ${shape} | ${gun} | ${requests} | ${answers.join(', ')} | ${p50Ms} | ${p95Ms} | ${p99Ms} |`;
    }),
  ].join('\n');
}
