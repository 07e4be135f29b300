// The scripts of k6/ against fronts that know their users in different ways. Their logic runs on a stand-in for k6's modules,
// also where there is no k6.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type RunningFront, runningFront } from '../cli/running-front.ts';
import { ran } from '../cli/sluice.ts';

const SECRET = 'a-gateway-secret-of-tests';
const FRONTS: [string, RunningFront, string[]][] = [
  ['default settings', runningFront({ workers: 1, isAlone: true }), []],
  [
    'a gateway secret',
    runningFront({ workers: 1, isAlone: true, environment: { GATEWAY_SECRET: SECRET } }),
    [`GATEWAY_SECRET=${SECRET}`],
  ],
];

const RUN = fileURLToPath(new URL('k6-stand-in/run.ts', import.meta.url));

interface Outcome {
  broken: string[];
  samples: Record<string, unknown[]>;
}

async function run(script: string, iterations: number, front: RunningFront, settings: string[]): Promise<Outcome> {
  const where = [`BASE_URL=${front.url}`, `ADMIN_URL=${front.adminUrl}`, `ADMIN_TOKEN=${front.adminToken}`];
  const program = [RUN, script, `${iterations}`, ...where, ...settings];
  const { code, out, err } = await ran(process.execPath, program, { PATH: process.env.PATH });
  expect([code, err], out).toEqual([0, '']);
  return JSON.parse(out) as Outcome;
}

test.for(FRONTS)(
  'a buyer of the smoke test goes through a front with %s',
  { timeout: 180_000 },
  async ([, front, settings]) => {
    const { broken, samples } = await run('k6/smoke.js', 1, front, settings);
    expect([broken, samples.sluice_lost, samples.sluice_unanswered]).toEqual([[], [false], [false, false]]);
  },
);

test.for(FRONTS)(
  'a flash sale at a front with %s sells what there is',
  { timeout: 180_000 },
  async ([, front, settings]) => {
    const { broken, samples } = await run('k6/flash-sale.js', 4, front, [...settings, 'STOCK=3']);
    expect(broken).toEqual([]);
    expect(samples.sluice_lost).toEqual([false, false, false]);
    expect(samples.sluice_decisions).toEqual([
      ...Array.from({ length: 3 }, () => ({ decision: 'admitted' })),
      { decision: 'sold-out' },
    ]);
  },
);

test('without its secret a gateway front lets no buyer of the scripts in', { timeout: 180_000 }, async () => {
  const [, front] = FRONTS[1]!;
  const { broken } = await run('k6/flash-sale.js', 1, front, []);
  expect(broken).toEqual([expect.stringMatching(/^POST .*: 401 /)]);
});
