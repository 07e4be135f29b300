// npm run model -- --seeds 100000 [--from 0] [--jobs 2]     many seeds; exit code 1 when one finds what is not known yet
// npm run model -- --seed 1784                              one seed, and the shortest run that finds the same
// npm run model -- --scenario "a part of its name"          the scenarios of this name
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { FOUND_BY_SEEDS } from './found-by-seeds.ts';
import { GUARDS } from './guards.ts';
import { KNOWN_FINDINGS, knownAs } from './known-findings.ts';
import { playMany, type Tally, tellShare } from './many.ts';
import { type Run, runSeed } from './run.ts';
import { playScenario, SCENARIOS } from './scenarios.ts';
import { shrink } from './shrink.ts';
import { openStage } from './stage.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    scenario: { type: 'string' },
    share: { type: 'string' },
  },
});

if (values.share !== undefined) {
  const [from = 0, count = 0] = values.share.split(' ').map(Number);
  await tellShare(from, count, (told) => process.send?.(told));
  process.disconnect?.();
} else if (values.seed !== undefined) await explain(values.seed);
else if (values.scenario !== undefined) await playNamed(values.scenario);
else await play(Number(values.seeds ?? 1_000), Number(values.from), Number(values.jobs));

async function play(count: number, from: number, jobs: number): Promise<void> {
  let done = 0;
  const tally = await playMany(from, count, jobs, (told) => {
    done += 1;
    for (const { rule, detail } of told.unknown) console.log(`seed ${told.seed}: ${rule}: ${detail}`);
    if (done % 1_000 === 0) console.log(`${done} seeds`);
  });
  print(tally);
  for (const { seed } of tally.unknown.slice(0, 3)) await explain(seed);
  process.exitCode = tally.unknown.length === 0 ? 0 : 1;
}

function print({ seeds, steps, seconds, counts, known, unknown }: Tally): void {
  console.log(`${seeds} seeds, ${steps} steps, ${Math.round(seconds)} s`);
  for (const [name, count] of Object.entries(counts)) console.log(`  ${count} ${name}`);
  for (const { name } of KNOWN_FINDINGS) {
    const found = known.get(name) ?? [];
    console.log(`known: ${name}: ${found.length} seeds: ${found.slice(0, 8).join(' ')}`);
  }
  console.log(`unknown: ${unknown.length} seeds: ${unknown.map(({ seed }) => seed).join(' ')}`);
}

/** The finding of a seed that is not known, or its first, told by as few events as possible. */
async function explain(seed: string): Promise<void> {
  await using stage = await openStage();
  const run = await runSeed(stage, seed);
  console.log(`seed ${seed}: ${run.findings.length === 0 ? 'nothing was found' : ''}`);
  const rule = (run.findings.find((finding) => knownAs(finding, run) === undefined) ?? run.findings[0])?.rule;
  if (rule === undefined) return;
  tell((await shrink(stage, run.plan, run.trace, rule)) ?? run);
}

function tell({ plan, trace, findings, errors }: Run): void {
  const { stock, users, shards, processes, isSlow } = plan;
  console.log(`plan: ${JSON.stringify({ stock, users, shards, processes, isSlow })}`);
  for (const event of trace) console.log(`  ${event}`);
  for (const { rule, detail } of findings) console.log(`found: ${rule}: ${detail}`);
  for (const error of errors.slice(0, 5)) console.log(`logged: ${error}`);
}

async function playNamed(part: string): Promise<void> {
  await using stage = await openStage();
  for (const scenario of [...SCENARIOS, ...FOUND_BY_SEEDS, ...GUARDS].filter(({ name }) => name.includes(part))) {
    const run = await playScenario(stage, scenario);
    console.log(scenario.name);
    tell(run);
    if (run.findings.length > 0) process.exitCode = 1;
  }
}
