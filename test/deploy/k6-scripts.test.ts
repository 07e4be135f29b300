// The script of k6/ against fronts that know their users in different ways. Its logic runs on a stand-in for k6's modules,
// also where there is no k6.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { TIMED } from '../../k6/shapes/shape.ts';
import { SHAPES } from '../../k6/shapes/shapes.ts';
import { type RunningFront, runningFront } from '../cli/running-front.ts';
import { ran } from '../cli/sluice.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import type { Sample } from './k6-stand-in/state.ts';

const SECRET = 'a-gateway-secret-of-tests';
// One ledger and one coupon key: the worker of the first issues what both sell.
const database = ownDatabase();
const COUPON_KEY = 'c'.repeat(64);
const plain = runningFront({ workers: 1, database, environment: { COUPON_KEY } });
const gateway = runningFront({ database, environment: { COUPON_KEY, GATEWAY_SECRET: SECRET } });
const PATIENT = { timeout: 180_000 };
const RUN = fileURLToPath(new URL('k6-stand-in/run.ts', import.meta.url));

interface Outcome {
  broken: string[];
  samples: Record<string, Sample[]>;
  metrics: Record<string, { thresholds: Record<string, { ok: boolean }> }>;
  summary: Record<string, string>;
}

async function run(shape: string, iterations: number, settings: string[] = [], front = plain): Promise<Outcome> {
  const { code, out, err } = await ran(
    process.execPath,
    [RUN, 'k6/load.ts', `${iterations}`, ...where(front), `SHAPE=${shape}`, ...settings],
    {
      PATH: process.env.PATH,
    },
  );
  expect([code, err], out).toEqual([0, '']);
  return JSON.parse(out) as Outcome;
}

const where = (front: RunningFront) => [
  `BASE_URL=${front.url}`,
  `ADMIN_URL=${front.adminUrl}`,
  `ADMIN_TOKEN=${front.adminToken}`,
];

const valuesOf = ({ samples }: Outcome, name: string) => (samples[name] ?? []).map(({ value }) => value);
const decisionsOf = ({ samples }: Outcome) => (samples.sluice_decisions ?? []).map(({ tags }) => tags.decision);
const asked = ({ samples }: Outcome) => new Set(samples.http_req_duration!.map(({ tags }) => tags.name));

/** Thresholds that did not hold, without those of time. */
const brokenIn = ({ metrics }: Outcome) =>
  Object.entries(metrics).flatMap(([name, { thresholds }]) =>
    Object.entries(thresholds).flatMap(([rule, { ok }]) =>
      ok || /^p\(|issued_after/.test(rule) || name === 'sluice_issued_after_ms' ? [] : [`${name} ${rule}`],
    ),
  );

test('a buyer of the smoke test goes through every call', PATIENT, async () => {
  const outcome = await run('smoke', 2);
  expect([outcome.broken, brokenIn(outcome)]).toEqual([[], []]);
  expect(asked(outcome)).toEqual(new Set(['admin', 'open', 'campaign', 'join', 'poll', 'give-back']));
  expect(decisionsOf(outcome)).toEqual(['admitted', 'known', 'admitted', 'known']);
  expect(outcome.summary.stdout).toContain('| `http_req_failed` | rate<=0 | held |');
});

test('buyers of a gateway follow their tickets in long-polls and event streams', PATIENT, async () => {
  const outcome = await run('browser-crowd', 4, [`GATEWAY_SECRET=${SECRET}`], gateway);
  expect([outcome.broken, brokenIn(outcome)]).toEqual([[], []]);
  expect(valuesOf(outcome, 'sluice_join_to_issued')).toHaveLength(4);
  expect(asked(outcome)).toContain('wait');
});

test('the operator opens a sale again in tranches, and what is left unsold breaks its threshold', PATIENT, async () => {
  // 1, 2 and 2 units; the stand-in has all buyers before the operator.
  const outcome = await run('reopen', 4, ['SCALE=0.1', 'LENGTH=0.1']);
  expect(outcome.broken).toEqual([]);
  expect(decisionsOf(outcome)).toEqual(['admitted', 'sold-out', 'sold-out', 'sold-out']);
  expect(valuesOf(outcome, 'sluice_unsold')).toEqual([4]);
  expect(brokenIn(outcome)).toEqual(['sluice_unsold value<=0']);
  expect(outcome.summary.stdout).toContain('## reopen: failed');
});

test('a poll storm polls tickets of buyers who joined before', PATIENT, async () => {
  const outcome = await run('poll-storm', 3, ['SCALE=0.05', 'LENGTH=0.1']);
  expect([outcome.broken, brokenIn(outcome)]).toEqual([[], []]);
  // 5 before, 3 of the load; one of those follows, and 3 are polled.
  expect(decisionsOf(outcome)).toEqual(Array.from({ length: 8 }, () => 'admitted'));
});

test('without its secret a gateway front lets no buyer of the script in', PATIENT, async () => {
  const { broken } = await run('sold-out', 1, [], gateway);
  expect(broken).toContainEqual(expect.stringMatching(/^POST .*: 401 /));
});

test.for(SHAPES.map(({ name }) => name))('%s has thresholds that k6 can read', PATIENT, async (name) => {
  const { metrics } = await run(name, 0, ['SCALE=0.001', 'LENGTH=0.001']);
  const { bars } = SHAPES.find((shape) => shape.name === name)!;
  const rules = Object.values(metrics).flatMap(({ thresholds }) => Object.keys(thresholds));
  // Each bar, and the checks.
  expect(rules).toHaveLength(Object.keys(bars).length + 1);
  expect(TIMED.some((figure) => figure in bars)).toBe(true);
});
