// What two reviews said twice, said by a test the third time. Each failure names the remedy; nothing is exempt.
import { expect, test } from 'vitest';
import { usesOf } from '../src/redis/preludes.ts';
import { parseScript } from '../src/redis/scripts.ts';
import { read, sources } from './tidy/sources.ts';

const LINES_MAX = 300;
const PROGRAM_LINES_MAX = 80;
const code = sources('.ts', '.mjs', '.js', '.lua', '.sh');

test(`no source file has more than ${LINES_MAX} lines`, () => {
  expect(code.length).toBeGreaterThan(100);
  const long = code.map((path) => ({ path, lines: read(path).split('\n').length - 1 }));
  const remedy = 'find the second noun in it and give that a file of its own';
  expect(
    long.filter(({ lines }) => lines > LINES_MAX),
    remedy,
  ).toEqual([]);
});

test(`no program has more than ${PROGRAM_LINES_MAX} lines of its own: it opens, puts together, runs`, () => {
  const programs = code.filter((path) => /^(src|workers)\/main\.ts$/.test(path));
  expect(programs).toHaveLength(2);
  const long = programs.map((path) => ({ path, lines: read(path).split('\n').length - 1 }));
  const remedy = 'what opens moves to src/opening, what puts together to src/composition';
  expect(
    long.filter(({ lines }) => lines >= PROGRAM_LINES_MAX),
    remedy,
  ).toEqual([]);
});

test('every script declares what it takes and gives, and somebody runs it', () => {
  const scripts = sources('.lua').flatMap((path) => path.match(/^lua\/([\w-]+)\.lua$/)?.[1] ?? []);
  const src = sources('.ts').filter((path) => path.startsWith('src/'));
  const loaded = src.flatMap((path) => [...read(path).matchAll(/\bloadScript\('([\w-]+)'\)/g)].map(([, name]) => name));
  for (const name of scripts) expect(() => parseScript(name, read(`lua/${name}.lua`))).not.toThrow();
  expect(new Set(loaded), 'delete the script, or load it').toEqual(new Set(scripts));
});

test('no two Lua files define the same function, or the same constant with the same value', () => {
  const defined = sources('.lua').flatMap((path) =>
    [...read(path).matchAll(/^local (?:function (\w+)|([A-Z][A-Z_]+ = \S+))/gm)].map((match) => ({
      path,
      name: match[1] ?? match[2]!,
    })),
  );
  const twice = [...Map.groupBy(defined, ({ name }) => name)].filter(([, places]) => places.length > 1);
  expect(
    twice.map(([name, places]) => `${name}: ${places.map(({ path }) => path).join(', ')}`),
    'move it into a fragment, lua/prelude/',
  ).toEqual([]);
});

test('every fragment is used', () => {
  const fragments = sources('.lua').flatMap((path) => path.match(/^lua\/prelude\/([\w-]+)\.lua$/)?.[1] ?? []);
  const used = sources('.lua').flatMap((path) => usesOf(read(path)));
  expect(new Set(used)).toEqual(new Set(fragments));
});

test('nothing is left for later in the code', () => {
  // Spelt so that this file does not find itself.
  const marks = ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'];
  expect(linesWith(marks, code), 'do it now, or write it down where it will be read').toEqual([]);
});

test('no word of a template is left', () => {
  const words = [
    'fo' + 'o',
    'fo' + 'obar',
    'ba' + 'z',
    'qu' + 'x',
    'lo' + 'rem',
    'ip' + 'sum',
    'ac' + 'me',
    'boiler' + 'plate',
  ];
  const prose = sources('.md', '.json', '.yaml', '.yml').filter((path) => path !== 'package-lock.json');
  expect(linesWith(words, [...code, ...prose]), 'say what it is').toEqual([]);
});

test('the lock file holds no download addresses, so that any registry will do', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string }> };
  const bound = Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined);
  const remedy = 'npm install --package-lock-only with the .npmrc of this repository leaves them out';
  expect(
    bound.map(([name]) => name),
    remedy,
  ).toEqual([]);
});

/** `path:line` of every line that has one of these words, whatever its case. */
function linesWith(words: readonly string[], paths: readonly string[]): string[] {
  const pattern = new RegExp(`\\b(${words.join('|')})\\b`, 'i');
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
  );
}
