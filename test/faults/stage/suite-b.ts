// Cases that the suite proves with servers of its own: named tests, run by a child of the harness and counted.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultCase, Finding } from '../case.ts';
import { startChild } from './child.ts';
import { REPOSITORY } from './sluice.ts';
import type { Stage } from './stage.ts';

/** Tests of one file, each named by a part of its name. */
export interface SuiteTests {
  file: string;
  names: readonly string[];
}

export interface SuitePlan {
  number: number;
  name: string;
  /** What the tests do to the service, in words. */
  injected: string;
  tests: readonly SuiteTests[];
  /** What they show together. */
  claim: string;
  slow?: boolean;
}

interface Told {
  testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[];
}

const DEADLINE_MS = { quick: 110_000, slow: 280_000 };

/** A case that is proved by these tests: each name has to meet one that passed, and none may fail. */
export const suiteCase = (plan: SuitePlan): FaultCase => ({
  numbers: [plan.number],
  name: plan.name,
  ...(plan.slow === true && { slow: true }),
  proofs: plan.tests,
  run: async (stage) => ({ [plan.number]: await findingOf(stage, plan) }),
});

async function findingOf(stage: Stage, { injected, tests, claim, slow = false }: SuitePlan): Promise<Finding> {
  const told = await runTests(stage, tests, slow ? DEADLINE_MS.slow : DEADLINE_MS.quick);
  const wanted = tests.flatMap(({ file, names }) => names.map((name) => ({ file, name })));
  const met = wanted.map(({ file, name }) => {
    const all = told.testResults.filter(({ name: path }) => path.endsWith(file)).flatMap((one) => one.assertionResults);
    const ran = all.filter(({ fullName, status }) => fullName.includes(name) && status !== 'skipped');
    return { name, passed: ran.filter(({ status }) => status === 'passed').length, count: ran.length };
  });
  const passed = met.reduce((sum, one) => sum + one.passed, 0);
  const count = met.reduce((sum, one) => sum + one.count, 0);
  const missing = met.filter((one) => one.passed === 0).map(({ name }) => name);
  return {
    injected,
    seen: `${passed} of ${count} tests passed (${tests.map(({ file }) => file).join(', ')})`,
    holds: {
      [claim]: passed > 0 && passed === count,
      [`every named test ran and passed${missing.length > 0 ? `: ${missing.join('; ')}` : ''}`]: missing.length === 0,
    },
  };
}

/** By vitest, in a process of its own that is gone by the deadline. */
async function runTests(stage: Stage, tests: readonly SuiteTests[], deadlineMs: number): Promise<Told> {
  const report = join(stage.folder, 'suite.json');
  const pattern = tests.flatMap(({ names }) => names.map((name) => RegExp.escape(name))).join('|');
  const vitest = join(REPOSITORY, 'node_modules/vitest/vitest.mjs');
  const files = tests.map(({ file }) => file);
  const child = startChild({
    name: 'suite',
    folder: stage.folder,
    command: [process.execPath, vitest, 'run', ...files, '-t', pattern, '--reporter=json', `--outputFile=${report}`],
    cwd: REPOSITORY,
  });
  stage.scope.onTestFinished(async () => void (await child.end('SIGTERM')));
  const late = setTimeout(() => child.signal('SIGTERM'), deadlineMs);
  const { code } = await child.ended.finally(() => clearTimeout(late));
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as Told;
  } catch {
    throw new Error(`the suite told nothing (exit code ${code}):\n${child.output().slice(-2_000)}`);
  }
}
