// A short, seeded part of `npm run faults`, and what holds the harness itself together.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { databaseUrl } from '../helpers/services.ts';
import { readArguments } from './arguments.ts';
import type { FaultCase } from './case.ts';
import catalogue from './catalogue.json' with { type: 'json' };
import notCovered from './not-covered.json' with { type: 'json' };
import { CASES } from './registry.ts';
import { closingLine, outcomeLine, uncoveredLines } from './report.ts';
import { type Outcome, runCase } from './runner.ts';

/** The same choices in every run: what chance finds beyond them, `npm run faults` is for. */
const seed = 'npm-test';
/** A lost answer on each link: of the gate, of a commit, of an ack. */
const SELECTED = [1, 25, 41];
const quick = CASES.filter((one) => one.quick);
const selection = quick.filter(({ numbers }) => numbers.some((number) => SELECTED.includes(number)));

const deps = () => ({ sharedDatabaseUrl: async () => databaseUrl(), keepsFailures: false });

test.for(selection)('survived: $name', async (one) => {
  const outcomes = await runCase(one, seed, deps());
  for (const outcome of outcomes) console.log(outcomeLine(outcome));
  const broken = outcomes.filter(({ verdict }) => verdict === 'FAILED').map(outcomeLine);
  expect(broken, `again: npm run faults -- ${one.numbers[0]} --seed ${seed}`).toEqual([]);
});

test('every number of the catalogue has a case or a reason, and none has both', () => {
  const all = Object.keys(catalogue).map(Number);
  const covered = new Set(CASES.flatMap(({ numbers }) => numbers));
  const excused = notCovered.flatMap(({ numbers }) => numbers);
  expect(all).toEqual(Array.from({ length: 87 }, (_, index) => index + 1));
  expect(all.filter((number) => !covered.has(number) && !excused.includes(number))).toEqual([]);
  expect(excused.filter((number) => covered.has(number))).toEqual([]);
});

test('cases have names of their own, and those that await something are listed', () => {
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  const waiting = CASES.filter(({ awaits }) => awaits !== undefined);
  expect(uncoveredLines(CASES).filter((line) => line.startsWith('NOT RUN'))).toHaveLength(waiting.length);
  expect(waiting.some(readArguments(['--all']).chosen)).toBe(false);
});

test('tests that prove a case exist under the names it gives', () => {
  const missing = CASES.flatMap(({ proofs = [] }) => proofs).flatMap(({ file, names }) => {
    // A part of a name may come from a table, or from a helper beside the test.
    const folder = dirname(file);
    const texts = readdirSync(folder).filter((name) => name.endsWith('.ts'));
    const text = texts.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    const absent = names.filter((name) => !text.includes(name));
    return existsSync(file) ? absent.map((name) => `${file}: ${name}`) : [file];
  });
  expect(missing).toEqual([]);
});

test('a case that throws, or claims nothing, or leaves a number out, is a failure with the seed to run it again', async () => {
  const run = (one: Pick<FaultCase, 'numbers' | 'run'>) => runCase({ name: 'made up', ...one }, 'a-seed', deps());
  const finding = { injected: 'nothing', seen: 'nothing', holds: {} };
  const held = { ...finding, holds: { 'it held': true } };
  const broken = { ...finding, holds: { 'it held': false } };
  const told = [
    ...(await run({ numbers: [1], run: () => Promise.reject(new Error('no stage')) })),
    ...(await run({ numbers: [2], run: async () => ({ 2: finding }) })),
    ...(await run({ numbers: [3, 4], run: async () => ({ 3: held }) })),
    ...(await run({ numbers: [5], run: async () => ({ 5: broken }) })),
  ];
  expect(told.map(({ number, verdict }) => [number, verdict])).toEqual([
    [1, 'FAILED'],
    [2, 'FAILED'],
    [3, 'ok'],
    [4, 'FAILED'],
    [5, 'FAILED'],
  ]);
  expect(outcomeLine(told[0]!)).toContain('no stage');
  expect(outcomeLine(told[4]!)).toMatch(/not so: it held.*seed a-seed$/);
});

test('the closing line counts a number once, and only when all of its runs survived', () => {
  const outcome = (number: number, verdict: Outcome['verdict']): Outcome => ({
    number,
    verdict,
    name: '',
    text: '',
    sharedWith: [],
    seconds: 0,
    seed: '',
  });
  const good = [outcome(1, 'ok'), outcome(2, 'ok'), outcome(2, 'ok'), outcome(9, 'skipped')];
  expect(closingLine(good)).toEqual({ line: 'faults survived 2/2 (skipped: 9)', survived: true });
  expect(closingLine([...good, outcome(2, 'FAILED')])).toMatchObject({ survived: false });
  expect(closingLine([])).toMatchObject({ survived: false });
});

test('numbers choose their cases, also those that await something; nonsense is refused', () => {
  const waiting: FaultCase = { numbers: [29], name: 'made up', awaits: 'something', run: async () => ({}) };
  expect(readArguments(['29']).chosen(waiting)).toBe(true);
  expect(readArguments(['--all']).chosen(waiting)).toBe(false);
  expect(CASES.filter(readArguments([]).chosen)).toEqual(quick);
  expect(readArguments(['--seed', 'x', '1']).seed).toBe('x');
  for (const argv of [['0'], ['88'], ['one'], ['--nothing']]) expect(() => readArguments(argv)).toThrow();
});
