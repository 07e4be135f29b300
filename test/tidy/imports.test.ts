import { expect, test } from 'vitest';
import { areaOf, cycles, HOMES, isCompositionRoot, violations } from './import-table.ts';
import { environmentLines, type Import, importsOf } from './imports.ts';
import { sources } from './sources.ts';

/** Themselves, seeded chance, Node and the clients of the stores. */
const JUDGES_MAY = /^(test\/faults\/(checker|crowd)\/|test\/faults\/chance\.ts$|node:|ioredis$|mysql2$)/;

const ours = sources('.ts', '.mjs').filter((path) => /^(src|workers)\//.test(path));
const imports = ours.flatMap((path) => importsOf(path));

test('every import of src and workers is one that the table allows', () => {
  expect(imports.length).toBeGreaterThan(200);
  expect(violations(imports).join('\n'), 'see test/tidy/import-table.ts').toBe('');
});

test('no package is at home where nobody uses it', () => {
  const used = new Set(
    imports.filter(({ from }) => !isCompositionRoot(from)).map(({ from, to }) => `${areaOf(from)} ${to}`),
  );
  const homes = Object.entries(HOMES).flatMap(([name, areas]) => areas.map((area) => `${area} ${name}`));
  expect(
    homes.filter((home) => !used.has(home)),
    'take the area out of HOMES',
  ).toEqual([]);
});

test('the checker and the crowd of the fault harness share no code with what they judge', () => {
  const judges = sources('.ts').filter((path) => /^test\/faults\/(checker|crowd)\//.test(path));
  const shared = judges
    .flatMap((path) => importsOf(path))
    .filter(({ to }) => !JUDGES_MAY.test(to))
    .map(({ from, line, to }) => `${from}:${line} imports ${to}`);
  expect(judges.length).toBeGreaterThan(5);
  expect(shared, 'a judge that shares code with the service shares its mistakes: write it down a second time').toEqual(
    [],
  );
});

test('no file imports itself by a detour', () => {
  expect(cycles(imports).join('\n'), 'move what both need into a third file').toBe('');
});

test('every file that is imported is there', () => {
  const missing = imports.filter(({ to }) => /^(src|workers)\//.test(to) && !ours.includes(to));
  expect(missing).toEqual([]);
});

test('config.ts alone reads the environment', () => {
  const readers = [...ours, ...sources('.js').filter((path) => path.startsWith('src/'))]
    // What prepares the machine runs before config.ts can: its packages are not installed yet.
    .filter((path) => !path.endsWith('.mjs'))
    .filter((path) => environmentLines(path).length > 0);
  const remedy = 'make it a setting of src/config/config.ts, and take it as an argument; a main.ts passes it on';
  expect(readers, remedy).toEqual(['src/config/config.ts']);
});

test.for<[string, Partial<Import>]>([
  ['a value of an adapter in a worker', { from: 'workers/issuer.ts', to: 'src/gate/redis/gate.ts' }],
  [
    'an adapter of the gate in admission',
    { from: 'src/admission/joins.ts', to: 'src/gate/redis/gate.ts', typeOnly: true },
  ],
  [
    'an adapter of the gate in recovery',
    { from: 'src/recovery/rebuild.ts', to: 'src/gate/redis/rebuild.ts', typeOnly: true },
  ],
  ['an adapter of the gate in its port', { from: 'src/gate/port.ts', to: 'src/gate/redis/gate.ts', typeOnly: true }],
  ['the ledger in admission', { from: 'src/admission/joins.ts', to: 'src/ledger/pool.ts', typeOnly: true }],
  ['Redis in a route', { from: 'src/http/public/joins.ts', to: 'src/redis/keys.ts' }],
  ['one adapter in another', { from: 'src/broker/redis-streams.ts', to: 'src/ledger/pool.ts', typeOnly: true }],
  ['anything in the domain', { from: 'src/domain/ids.ts', to: 'src/process/limits.ts' }],
  [
    'the configuration outside of a main.ts',
    { from: 'src/http/public/front.ts', to: 'src/config/config.ts', typeOnly: true },
  ],
  ['a worker in src', { from: 'src/main.ts', to: 'workers/issuer.ts' }],
  ['a test in src', { from: 'src/main.ts', to: 'test/helpers/until.ts' }],
  ['the service in its judge', { from: 'src/rehearsal/checker.ts', to: 'src/domain/ticket.ts', typeOnly: true }],
  ['a client outside of its adapter', { from: 'src/http/public/joins.ts', to: 'ioredis', typeOnly: true }],
  ['a package nobody decided on', { from: 'src/http/public/joins.ts', to: 'lodash' }],
  ['a package in what installs the packages', { from: 'src/local/setup.mjs', to: 'zod' }],
])('the table refuses %s', ([, it]) => {
  expect(violations([{ from: '', to: '', line: 1, typeOnly: false, ...it }])).toHaveLength(1);
});

test('imports are read from code, with what the compiler strips told apart', () => {
  const text = `
    import type { A } from './a.ts'; import { type B } from './b.ts'; import { type C, d } from './c.ts';
    export { e } from '../e.ts'; export type { F } from './f.ts'; const g = await import('./g.ts');
    type H = import('./h.ts').H; import '@scope/name/path'; import ky from 'ky'; // import './no.ts'
    const text = "import './neither.ts'";`;
  const read = importsOf('src/x/y.ts', text).map(({ to, typeOnly }) => `${to}${typeOnly ? ' (type)' : ''}`);
  expect(read).toEqual([
    'src/x/a.ts (type)',
    'src/x/b.ts (type)',
    'src/x/c.ts',
    'src/e.ts',
    'src/x/f.ts (type)',
    'src/x/g.ts',
    'src/x/h.ts (type)',
    '@scope/name',
    'ky',
  ]);
});

test('every spelling of the environment is found, and no comment', () => {
  const text = [
    'process.env.PORT;',
    "process['env'];",
    'const { env } = process;',
    "import { env as e } from 'node:process';",
    '// process.env',
    "const text = 'process.env';",
  ].join('\n');
  expect(environmentLines('x.ts', text)).toEqual([1, 2, 3, 4]);
});

test('a cycle is told with its path', () => {
  const edge = (from: string, to: string): Import => ({ from, to, line: 1, typeOnly: false });
  expect(cycles([edge('a', 'b'), edge('b', 'c'), edge('c', 'b'), edge('a', 'c')])).toEqual(['b -> c -> b']);
});
