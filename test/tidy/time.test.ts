// What measures time is a benchmark: a test passes on a machine that is busy with something else, and the first time.
import ts from 'typescript';
import { expect, test } from 'vitest';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { read, sources } from './sources.ts';

/** What `npm test` runs. `test/faults` is a program of its own: it measures, prints, and is run when it is asked for. */
const suite = sources('.ts').filter((path) => path.startsWith('test/') && !path.startsWith('test/faults/'));

const TIME = /Ms\b|performance\.now|Date\.now|getTime|elapsed|duration|\btook/i;
const BAR = 'a bar of time: make it a condition, a ratio to a baseline of the same test, or a figure of bench/';
const AGAIN = 'a test that is tried again: find out which of them is wrong, the test or the product';
const HASTE = `a deadline under ${DEADLINE_MS} ms: leave it out, the configuration has one for all`;

/** `path:line what is wrong` for everything in this text. */
function timed(path: string, text = read(path)): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const found: string[] = [];
  const tell = (node: ts.Node, why: string) =>
    found.push(`${path}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1} ${why}`);
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const isUpperBar = /^toBeLessThan(OrEqual)?$/.test(node.expression.name.text);
      if (isUpperBar && TIME.test(node.getText(file))) tell(node, BAR);
    }
    if (ts.isPropertyAssignment(node) && ts.isNumericLiteral(node.initializer)) {
      const [name, value] = [node.name.getText(file), Number(node.initializer.text.replaceAll('_', ''))];
      if (name === 'retry') tell(node, AGAIN);
      if (name === 'timeout' && value < DEADLINE_MS) tell(node, HASTE);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

test('no test measures time, none is tried again, and none is in haste', () => {
  expect(suite.length).toBeGreaterThan(100);
  expect(suite.flatMap((path) => timed(path))).toEqual([]);
});

test.for([
  ['expect(performance.now() - startedAt).toBeLessThan(50)', [BAR]],
  ['expect(\n  Math.max(...tookMs),\n).toBeLessThanOrEqual(limits.drainMs)', [BAR]],
  ['expect(seen).toBeLessThan(limits.headersMs)', [BAR]],
  ["test('a', { retry: 2, timeout: 20_000 }, () => {})", [AGAIN, HASTE]],
  ["await expect.poll(look, { timeout: 5_000, interval: 5 }).toBe('so')", [HASTE]],
  ['expect(Date.now() - startedAt).toBeGreaterThan(900)', []],
  ["test('a', { timeout: 300_000 }, () => expect(many / few).toBeLessThan(3))", []],
] as const)('of %j it is said what it is', ([text, whys]) => {
  expect(timed('a.test.ts', text)).toEqual(whys.map((why) => expect.stringContaining(why)));
});
