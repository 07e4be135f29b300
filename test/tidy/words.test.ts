// What people read names its actor and uses plain words: at night nobody wants to guess.
import { expect, test } from 'vitest';
import { type AdminDeps, createAdmin } from '../../src/http/admin/admin.ts';
import { createFront, type FrontDeps } from '../../src/http/public/front.ts';
import { read, sources } from './sources.ts';
import { bannedIn, bannedInStrings, prose } from './words.ts';

const programs = sources('.ts', '.mjs').filter((path) => /^(src|workers)\//.test(path));
const REMEDY = 'name the actor, use an active verb and the field’s own term; see test/tidy/words.ts';

const documents = sources('.md').filter((path) => path.startsWith('docs/'));
const FIRST_SCREEN_LINES = 25;

/** Banned words that are left in a document: rewrite them, then lower its number. It never goes up. */
const LEFT: Record<string, number> = {
  'docs/architecture.md': 20,
  'docs/benchmarks.md': 1,
  'docs/decisions.md': 23,
  'docs/faults-survived.md': 10,
  'docs/guarantees.md': 33,
  'docs/redis-topologies.md': 2,
  'docs/security/threat-model.md': 11,
};

test('no text that a program says has a banned word', () => {
  expect(programs.length).toBeGreaterThan(200);
  expect(
    programs.flatMap((path) => bannedInStrings(path)),
    REMEDY,
  ).toEqual([]);
});

test('no text of the OpenAPI documents has a banned word', () => {
  const info = { openapi: '3.1.0', info: { title: '', version: '' } };
  // Nothing of their deps is touched before a request comes.
  const apps = [createFront({} as FrontDeps), createAdmin({ tokens: { operator: 'none' } } as AdminDeps)];
  const texts = apps.flatMap((app) => textsOf(app.getOpenAPI31Document(info)));
  expect(texts.length).toBeGreaterThan(50);
  expect(
    texts.flatMap((text) => bannedIn(text).map((what) => `${text}: ${what}`)),
    REMEDY,
  ).toEqual([]);
});

test.for(['README.md', 'otel/alerts.yml', 'otel/slos.yml', 'otel/alertmanager.yml', 'deploy/compose.md'])(
  '%s has no banned word',
  (path) => {
    expect(bannedIn(prose(read(path))), REMEDY).toEqual([]);
  },
);

test('no document under docs begins with a banned word', () => {
  const begins = documents.map(
    (path) => [path, read(path).split('\n').slice(0, FIRST_SCREEN_LINES).join('\n')] as const,
  );
  expect(
    begins.flatMap(([path, text]) => bannedIn(prose(text)).map((what) => `${path}:${what}`)),
    REMEDY,
  ).toEqual([]);
});

test('a document under docs has as many banned words as it had, or fewer', () => {
  const counts = documents.map((path) => [path, bannedIn(prose(read(path))).length] as const);
  expect(Object.fromEntries(counts.filter(([, count]) => count > 0)), REMEDY).toEqual(LEFT);
});

test.for([
  ["log.warn('it is told to who polls')", ['is told', 'to who polls']],
  [`say(\`\${one.port} is made anew\`)`, ['anew']],
  ['// Whoever reads this is told anew.', []],
  ["import { anew } from './anew.ts'", []],
  ["say('There is no gate, and a worker who may make it')", []],
] as const)('in %j the banned words are found', ([text, words]) => {
  const found = bannedInStrings('a.ts', text).map((what) => /"([^"]+)"/.exec(what)?.[1]);
  expect(new Set(found)).toEqual(new Set(words));
});

/** Summaries, descriptions and whatever else an OpenAPI document says in words. */
function textsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'string' && /^(summary|description|title)$/.test(key) ? [inner] : textsOf(inner),
  );
}
