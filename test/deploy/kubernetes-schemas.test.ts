// The manifests as kustomize renders them, by the schemas of Kubernetes and of KEDA. Without their tools it says so and is skipped.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../helpers/root.ts';
import { FOLDER, OVERLAYS } from './kubernetes.ts';
import { findTools } from './kubernetes-tools.ts';

const VERSION = '1.34';
const tools = findTools();
if ('missing' in tools) console.warn(`SKIPPED: the schemas of deploy/kubernetes: ${tools.missing}`);

function validate(manifests: string): { lines: string[]; status: number | null } {
  if ('missing' in tools) throw new Error(tools.missing);
  const script = join(ROOT, 'test/deploy/manifest-schemas.py');
  const { stdout, stderr, status } = spawnSync(tools.python, [script, VERSION, tools.definitions], {
    input: manifests,
    encoding: 'utf8',
  });
  return { lines: `${stdout}${stderr}`.trim().split('\n'), status };
}

const render = (overlay: string): string => {
  if ('missing' in tools) throw new Error(tools.missing);
  return tools.render(join(FOLDER, 'overlays', overlay));
};

test.skipIf('missing' in tools).for(OVERLAYS)('every manifest of %s is valid by its schema', (overlay) => {
  const { lines, status } = validate(render(overlay));
  expect(lines.filter((line) => !line.startsWith('valid '))).toEqual([]);
  expect(status).toBe(0);
  expect(lines.length).toBeGreaterThan(13);
  expect(lines.includes('valid ScaledObject sluice-worker')).toBe(overlay !== 'fixed');
});

test.skipIf('missing' in tools)("the number of workers is KEDA's alone where KEDA scales them", () => {
  const workerOf = (overlay: string) =>
    render(overlay)
      .split(/^---$/m)
      .find((text) => /^kind: Deployment$/m.test(text) && /^ {2}name: sluice-worker$/m.test(text))!;
  expect(workerOf('keda')).not.toMatch(/^ {2}replicas:/m);
  expect(workerOf('keda-prometheus')).not.toMatch(/^ {2}replicas:/m);
  expect(workerOf('fixed')).toMatch(/^ {2}replicas: 2$/m);
});

test.skipIf('missing' in tools).for([
  ['a field with a typing error', 'pollingInterval: 5', 'pollingIntervall: 5', 'ScaledObject'],
  ['a number where a text belongs', 'targetValue: "2000"', 'targetValue: 2000', 'ScaledObject'],
  ['a field of a pod with a typing error', 'terminationGracePeriodSeconds', 'terminationGraceSeconds', 'Deployment'],
] as const)('%s is found', ([, from, to, kind]) => {
  const { lines, status } = validate(render('keda').replace(from, to));
  expect(status).toBe(1);
  expect(lines.filter((line) => line.startsWith('wrong '))).toEqual([expect.stringContaining(`wrong ${kind} `)]);
});
