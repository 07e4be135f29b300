// What the suite proves with servers of its own: Sentinels, a Cluster, replicas. Each number names the tests that show it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultCase, Finding } from '../case.ts';
import { startChild } from '../stage/child.ts';
import { REPOSITORY } from '../stage/sluice.ts';
import type { Stage } from '../stage/stage.ts';

/** A test file, and the start of the names of the tests in it that count; all of it when there is none. */
type Proof = readonly [file: string, ...names: string[]];

interface SuitePlan {
  name: string;
  /** By catalogue number. */
  proofs: Record<number, readonly Proof[]>;
  /** Of vitest; that of `npm test` unless given. */
  config?: string;
}

interface Report {
  testResults: { name: string; assertionResults: { title: string; status: string }[] }[];
}

const SUITE_MS = 280_000;

/** Runs the tests that are named, as one child process; a number whose tests did not run, or not all pass, fails. */
function suite({ name, proofs, config = 'vitest.config.ts' }: SuitePlan): FaultCase {
  const numbers = Object.keys(proofs).map(Number);
  return {
    numbers,
    name,
    slow: true,
    proofs: Object.values(proofs)
      .flat()
      .map(([file, ...names]) => ({ file, names })),
    run: async (stage) => {
      const ran = await runTests(stage, config, Object.values(proofs).flat());
      return Object.fromEntries(numbers.map((number) => [number, findingOf(proofs[number]!, config, ran)]));
    },
  };
}

async function runTests(stage: Stage, config: string, proofs: readonly Proof[]): Promise<Report> {
  const reportFile = join(stage.folder, 'report.json');
  const files = [...new Set(proofs.map(([file]) => file))];
  const titles = proofs.flatMap(([, ...names]) => (names.length === 0 ? [''] : names));
  const pattern = titles.map((title) => RegExp.escape(title)).join('|');
  const vitest = [join(REPOSITORY, 'node_modules/vitest/vitest.mjs'), 'run', ...files, '-t', pattern];
  const options = ['--config', config, '--reporter=json', `--outputFile=${reportFile}`];
  const child = startChild({
    name: 'vitest',
    folder: stage.folder,
    command: [process.execPath, ...vitest, ...options],
    cwd: REPOSITORY,
  });
  // It gives back its servers when it is asked to end.
  stage.scope.onTestFinished(async () => void (await child.end('SIGTERM')));
  const late = setTimeout(() => child.signal('SIGTERM'), SUITE_MS);
  await child.ended.finally(() => clearTimeout(late));
  if (!existsSync(reportFile)) throw new Error(`no test has run:\n${child.output().slice(-1_000)}`);
  return JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
}

function findingOf(proofs: readonly Proof[], config: string, { testResults }: Report): Finding {
  const found = proofs.flatMap(([file, ...names]) =>
    (names.length === 0 ? [''] : names).map((name) => {
      const tests = testResults
        .filter((result) => result.name.endsWith(file))
        .flatMap(({ assertionResults }) => assertionResults)
        .filter(({ title, status }) => title.startsWith(name) && (status === 'passed' || status === 'failed'));
      return { claim: name === '' ? `all tests of ${file}` : `${file} "${name}"`, tests };
    }),
  );
  const statuses = found.flatMap(({ tests }) => tests.map(({ status }) => status));
  const passed = statuses.filter((status) => status === 'passed').length;
  const held = ({ tests }: (typeof found)[number]) =>
    tests.length > 0 && tests.every(({ status }) => status === 'passed');
  return {
    injected: `the tests ${found.map(({ claim }) => claim).join(', ')} (${config})`,
    seen: `${passed} passed, ${statuses.length - passed} failed`,
    holds: Object.fromEntries(found.map((one) => [`passed: ${one.claim}`, held(one)])),
  };
}

const SENTINEL = 'test/topology/sentinel-failover.test.ts';
const BARRIER = 'test/topology/replica-barrier.test.ts';
const HANGING = 'a primary that hangs and wakes up again as a second one: nothing it says is taken for';

export const suites: readonly FaultCase[] = [
  suite({
    name: 'the primary of Sentinels is killed, hangs, and wakes up as a second one',
    proofs: {
      12: [
        [SENTINEL, 'a primary killed under load: Sentinel promotes another, service is back by itself, and no ticket'],
      ],
      13: [
        [SENTINEL, HANGING],
        ['test/topology/sentinel-client.test.ts', 'a client that hears of a failover while it asks for the primary'],
      ],
      14: [
        [SENTINEL, HANGING],
        [BARRIER, 'another server that would confirm is not asked in place of the one that answered'],
      ],
    },
  }),
  suite({
    name: 'replicas that do not confirm, and the barrier that asks them',
    proofs: {
      15: [
        [
          BARRIER,
          'while no replica confirms, a join is unknown and never a 202',
          'of a gate that is gone nothing is confirmed',
          'joins that come while a barrier is under way share the next one',
        ],
      ],
    },
  }),
  suite({
    name: 'scripts, reads and the broker on a Cluster of six',
    config: 'test/topology/cluster.config.ts',
    proofs: {
      20: [
        ['test/lua/admit.test.ts'],
        ['test/lua/cancel.test.ts'],
        ['test/redis/gate-reader.test.ts'],
        ['test/contract/redis-streams.test.ts'],
        ['test/redis/faults.test.ts', 'a node that does not hold the key, is moving it, or has lost its slot'],
      ],
    },
  }),
  suite({
    name: 'a primary of a Cluster is killed under load',
    proofs: {
      21: [['test/topology/cluster-failover.test.ts', 'a primary of the Cluster killed under load: only its']],
    },
  }),
  suite({
    name: 'a campaign moves to another node of a Cluster under load',
    proofs: {
      22: [['test/topology/cluster-move.test.ts', 'a campaign that moves to another node under load meets 503 at']],
    },
  }),
];
