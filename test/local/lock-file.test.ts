import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface LockedPackage {
  integrity?: string;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };

// npm leaves out what the registry at hand does not carry, and then `npm ci` refuses the lock file on every machine.
test('the lock file names the optional packages of all platforms, so that npm ci takes it', () => {
  const absent = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${place}/node_modules/${name}` in packages),
    ),
  );
  expect(absent, 'add them: node .ci/complete-lock.mjs package-lock.json').toEqual([]);
});

test('48 packages of other platforms had no checksum, so that npm took whatever the registry gave', () => {
  const places = Object.entries(packages).filter(([place]) => place !== '');
  const unchecked = places.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''));
  const remedy =
    'in a copy of package.json, .npmrc and the lock file, delete these entries: npm install --package-lock-only';
  expect(
    unchecked.map(([place]) => place),
    remedy,
  ).toEqual([]);
  expect(
    places.filter(([, { resolved }]) => resolved !== undefined).map(([place]) => place),
    'no host of a registry belongs here: omit-lockfile-registry-resolved',
  ).toEqual([]);
});
