import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { read } from './sources.ts';

test('the limits of the threat model are those of src/process/limits.ts', () => {
  const rows = [...read('docs/security/threat-model.md').matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm)];
  const told = rows.map(([, name, value]) => [name!, Number(value!.replaceAll(',', ''))]);
  expect(told.length).toBeGreaterThan(20);
  expect(told).toEqual(told.map(([name]) => [name, limits[name as keyof typeof limits]]));
});
