// The tables of the README say what the code does.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SETTING_NAMES } from '../../src/config/config.ts';
import { type AdminDeps, createAdmin } from '../../src/http/admin/admin.ts';
import { createFront, type FrontDeps } from '../../src/http/public/front.ts';
import { ROOT } from '../helpers/root.ts';
import { read, sources } from './sources.ts';

const README = read('README.md');
// Nothing of their deps is touched before a request comes.
const front = createFront({} as FrontDeps);
const admin = createAdmin({ tokens: { operator: 'none' } } as AdminDeps);

test('the configuration table has one row for each setting, and docs/operating/traces.md those of the SDK', () => {
  const ofSdk = [...read('docs/operating/traces.md').matchAll(/^\| `(OTEL_\w+)` \|/gm)].map(([, name]) => name!);
  const rows = [...firstCells('Configuration'), ...ofSdk];
  expect(rows.toSorted(), 'compare with the schema of src/config/config.ts').toEqual(SETTING_NAMES.toSorted());
});

test('the API tables have one row for each route of both listeners: | `METHOD /path` | … |', () => {
  const routes = [front, admin].flatMap(({ routes }) => routes).filter(({ method }) => method !== 'ALL');
  const served = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect(firstCells('API').toSorted(), 'compare with the routes of src/http').toEqual([...new Set(served)].toSorted());
});

test('what the OpenAPI documents describe is in the API tables', () => {
  const info = { openapi: '3.1.0', info: { title: '', version: '' } };
  const described = [front, admin].flatMap((app) =>
    Object.entries(app.getOpenAPI31Document(info).paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    ),
  );
  expect(described.length).toBeGreaterThan(8);
  const rows = firstCells('API');
  expect(described.filter((route) => !rows.includes(route))).toEqual([]);
});

test('the layout table names every folder of the code, and none that is gone: | `folder` | … |', () => {
  const rows = firstCells('Layout').map((row) => row.replace(/\/$/, ''));
  expect(rows.filter((row) => !existsSync(join(ROOT, row)))).toEqual([]);
  const folders = sources('').map((path) => /^(src\/[^/]+|[^/.][^/]*)\//.exec(path)?.[1]);
  const wanted = new Set(folders.flatMap((folder) => (folder === undefined || folder === 'src' ? [] : [folder])));
  expect(wanted.difference(new Set(rows)), 'give each of these a row').toEqual(new Set());
});

test('every npm script and every file that the README names exists', () => {
  const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
  const named = [...README.matchAll(/npm run ([\w:-]+)/g)].map(([, script]) => script!);
  expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
  const links = [...README.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path!);
  expect(links.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

/** The code words that begin the rows of the tables in a section. */
function firstCells(section: string): string[] {
  const text = README.split(/^## /m).find((part) => part.startsWith(`${section}\n`));
  expect(text, `README.md needs a section "## ${section}"`).toBeDefined();
  const cells = [...text!.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell]) => cell!);
  expect(cells.length, `"## ${section}" needs a table whose rows begin with a code word`).toBeGreaterThan(0);
  expect(cells, 'a row is there twice').toEqual([...new Set(cells)]);
  return cells;
}
