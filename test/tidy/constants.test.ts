// A number of time or count is in limits.ts, with its reason, or beside its only use.
import ts from 'typescript';
import { expect, test } from 'vitest';
import { read, sources } from './sources.ts';

interface Constant {
  path: string;
  name: string;
  value: string;
  isExported: boolean;
}

/** Of time or count by its name; what is one by its form is `src/domain`'s. */
const COUNTED =
  /(^|_)(MS|SECONDS|MINUTES|HOURS|MAX|MIN|PAGE|STEP|DEFAULT|EVERY|BYTES|CHARS|COUNT|CELLS|PROBES|PER_\w+)$/;
/** Homes of limits and forms: the service's, those of the judge that shares no code with it, and the sale's own. */
const HOMES = /^src\/(process\/limits\.ts|rehearsal\/limits\.ts|domain\/)/;

/** Constants of a module that are numbers, however they are written. */
function constantsOf(path: string, text = read(path)): Constant[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  return file.statements.filter(ts.isVariableStatement).flatMap((statement) => {
    const isExported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
    return statement.declarationList.declarations.flatMap(({ name, initializer }) => {
      const value = initializer?.getText(file) ?? '';
      const isNumber = /^[\d_.xXa-fA-F\s*+/<-]+$/.test(value) && /\d/.test(value);
      const text = name.getText(file);
      return isNumber && COUNTED.test(text) ? [{ path, name: text, value, isExported }] : [];
    });
  });
}

const ours = sources('.ts').filter((path) => /^(src|workers)\//.test(path));
const constants = ours.flatMap((path) => constantsOf(path)).filter(({ path }) => !HOMES.test(path));

test('no number of time or count stands in two files', () => {
  expect(constants.length).toBeGreaterThan(20);
  const same = Map.groupBy(constants, ({ name, value }) => `${name} = ${value}`);
  const twins = [...same].filter(([, places]) => places.length > 1);
  expect(
    twins.map(([what, places]) => `${what}: ${places.map(({ path }) => path).join(', ')}`),
    'one of src/process/limits.ts, or two with names of their own',
  ).toEqual([]);
});

test('a number of time or count outside of limits.ts is used by one file alone', () => {
  const shared = constants.filter(({ path, name, isExported }) => {
    const users = ours.filter((other) => other !== path && new RegExp(`\\b${name}\\b`).test(read(other)));
    return isExported && users.length > 0;
  });
  expect(
    shared.map(({ path, name }) => `${path} ${name}`),
    'move it to src/process/limits.ts',
  ).toEqual([]);
});

test('numbers are found however they are written, and other constants are not', () => {
  const text = [
    'const LOOK_MS = 500;',
    'export const CELLS = 1 << 20;',
    'const ROWS_MAX = 2 ** 32 - 1;',
    "const NAME_MAX = 'a';",
    'const A_MAX = limits.viewsMax;',
    'const FORMAT = 2;',
    'function f() { const INNER_MS = 1; }',
  ].join('\n');
  expect(constantsOf('x.ts', text).map(({ name, isExported }) => [name, isExported])).toEqual([
    ['LOOK_MS', false],
    ['CELLS', true],
    ['ROWS_MAX', false],
  ]);
});
