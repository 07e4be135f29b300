// The model of the whole: scenarios that went wrong once, and a thousand seeds that must find nothing new.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FOUND_BY_SEEDS } from './found-by-seeds.ts';
import { KNOWN_FINDINGS } from './known-findings.ts';
import { playMany } from './many.ts';
import { replay, runSeed } from './run.ts';
import { playScenario, SCENARIOS } from './scenarios.ts';
import { shrink } from './shrink.ts';
import { openStage, type Stage } from './stage.ts';

const SEEDS = 1_000;
const JOBS = 2;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const isKnown = (finding: string) => KNOWN_FINDINGS.some(({ name }) => name === finding);

for (const scenario of [...SCENARIOS, ...FOUND_BY_SEEDS]) {
  const remedy = isKnown(scenario.finding)
    ? 'delete the finding from known-findings.ts if it was mended on purpose'
    : 'this was mended before';
  test(`${isKnown(scenario.finding) ? 'not mended yet: ' : ''}${scenario.name}`, async () => {
    const { findings } = await playScenario(stage, scenario);
    if (isKnown(scenario.finding))
      expect(
        findings.map(({ rule }) => rule),
        remedy,
      ).toContain(scenario.rule);
    else expect(findings, remedy).toEqual([]);
  }, 60_000);
}

test('every finding that is not mended yet has a scenario', () => {
  const shown = new Set(SCENARIOS.map(({ finding }) => finding));
  expect(KNOWN_FINDINGS.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
});

test('a seed stands for one run, and its trace for the same', async () => {
  for (const seed of ['40', '43', '590']) {
    const first = await runSeed(stage, seed);
    const again = await runSeed(stage, seed);
    const replayed = await replay(stage, first.plan, first.trace);
    for (const run of [again, replayed]) {
      expect(run.trace).toEqual(first.trace);
      expect(run.findings).toEqual(first.findings);
      expect(run.restSteps).toBe(first.restSteps);
    }
  }
}, 60_000);

test('a trace that broke a rule is cut down to what it needs', async () => {
  const [scenario] = SCENARIOS.filter(({ rule }) => rule === 'wish-forgotten-202');
  const padding = Array.from({ length: 10 }, () => 'tick');
  const { plan } = await playScenario(stage, scenario!);
  const short = await shrink(stage, plan, [...padding, ...scenario!.events, ...padding], scenario!.rule);
  // A finding that was mended leaves nothing to cut down.
  if (isKnown(scenario!.finding)) expect(short!.trace.length).toBeLessThanOrEqual(scenario!.events.length);
  else expect(short).toBeUndefined();
}, 60_000);

test(`${SEEDS} seeds find nothing that is not known`, async () => {
  const { unknown, counts, seeds } = await playMany(0, SEEDS, JOBS, () => undefined);
  const remedy = 'npm run model -- --seed N shows the shortest run that finds it';
  expect(
    unknown.map(({ seed, unknown: findings }) => ({ seed, findings })),
    remedy,
  ).toEqual([]);
  expect(seeds).toBe(SEEDS);
  // A model in which nothing happens finds nothing either.
  expect(counts.rebuilds).toBeGreaterThan(150);
  expect(counts.crashes).toBeGreaterThan(100);
  expect(counts['lost answers']).toBeGreaterThan(300);
  expect(counts['give-backs']).toBeGreaterThan(300);
  expect(counts.retries).toBeGreaterThan(50);
  expect(counts.operations).toBeGreaterThan(1_000);
}, 600_000);
