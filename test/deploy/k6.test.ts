import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram } from '../../src/local/binaries.mjs';
import { runningFront } from '../cli/running-front.ts';
import { ran } from '../cli/sluice.ts';
import { ROOT } from '../helpers/root.ts';
import { importsOf } from '../tidy/imports.ts';
import { sources } from '../tidy/sources.ts';

const k6 = findProgram(['k6'], process.env.PATH!.split(delimiter));
if (k6 === undefined) {
  console.warn(
    'k6 is not on PATH: its scripts are NOT run. Install it: https://grafana.com/docs/k6/latest/set-up/install-k6/',
  );
}
const front = runningFront({ workers: 1 });
const scripts = sources('.ts').filter((path) => path.startsWith('k6/'));

test('the scripts import what k6 brings and what is there', () => {
  expect(scripts.length).toBeGreaterThan(3);
  for (const { from, to } of scripts.flatMap((path) => importsOf(path))) {
    expect(to === 'k6' || existsSync(join(ROOT, to)), `${from} imports ${to}`).toBe(true);
  }
});

test.skipIf(k6 === undefined)('the smoke test holds', async () => {
  const { code, out, err } = await run('SHAPE=smoke');
  expect([code, err]).toEqual([0, '']);
  expect(out).toContain('## smoke: passed');
});

test.skipIf(k6 === undefined)('a small flash sale is sold out, and every ticket of it issued', async () => {
  const { code, out, err } = await run('SHAPE=sold-out', 'SCALE=0.05', 'LENGTH=0.2');
  expect([code, err], out).toEqual([0, '']);
  expect(out).toContain('## sold-out: passed');
});

function run(...settings: string[]) {
  const where = [`BASE_URL=${front.url}`, `ADMIN_URL=${front.adminUrl}`, `ADMIN_TOKEN=${front.adminToken}`];
  const env = [...where, ...settings].flatMap((setting) => ['-e', setting]);
  const quiet = ['--quiet', '--no-usage-report'];
  return ran(k6!, ['run', ...quiet, ...env, 'k6/load.ts'], { PATH: process.env.PATH });
}
