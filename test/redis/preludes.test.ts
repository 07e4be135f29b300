import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { loadPreludes, type Preludes, parsePrelude, prepend } from '../../src/redis/preludes.ts';
import { parseScript } from '../../src/redis/scripts.ts';

const FRAGMENTS: Record<string, string> = {
  weight:
    "-- What a thing weighs.\n\nlocal UNIT, NAME = 2, 'weigh'\n\nlocal function weigh(count)\n  return count * UNIT\nend\n",
  crate: '-- A crate of things.\n--\n-- uses: weight\n\nlocal function crate(count)\n  return weigh(count) + 1\nend\n',
  other: '-- Something else.\n\nlocal function other()\n  return 0\nend\n',
};
const parse = (fragments: Record<string, string>): Preludes =>
  new Map(Object.entries(fragments).map(([name, source]) => [name, parsePrelude(name, source)]));
const known = parse(FRAGMENTS);
const SCRIPT = '#!lua flags=no-writes\n-- uses: crate\nreturn crate(3)\n';

test('what a fragment uses stands before it, and the first line of the script before both', () => {
  const { weight, crate } = FRAGMENTS;
  expect(prepend('lua/a.lua', SCRIPT, known)).toBe(
    `#!lua flags=no-writes\n${weight}${crate}-- uses: crate\nreturn crate(3)\n`,
  );
  const both = SCRIPT.replace('uses: crate', 'uses: weight, crate').replace('(3)', '(UNIT)');
  expect(prepend('lua/a.lua', both, known).split('local function weigh').length).toBe(2);
});

test.for([
  ['a fragment that is not there', SCRIPT.replace('uses: crate', 'uses: box'), 'no fragment "box"'],
  ['a function without its fragment', SCRIPT.replace('-- uses: crate\n', ''), 'uses crate, and not "-- uses: crate"'],
  ['what a fragment of its fragment defines', SCRIPT.replace('(3)', '(UNIT)'), 'uses UNIT, and not "-- uses: weight"'],
  ['a fragment that it does not use', SCRIPT.replace('uses: crate', 'uses: crate, other'), 'nothing of "other"'],
  ['only a comment or a text that names it', '#!lua\n-- uses: other\nreturn "other" -- other\n', 'nothing of "other"'],
  ['a name of its own like one of a fragment', `${SCRIPT}local function weigh()\nend\n`, 'weigh is defined in'],
])('a script with %s is refused at load', ([, text, why]) => {
  expect(() => prepend('lua/a.lua', text!, known)).toThrow(/^lua\/a\.lua: /);
  expect(() => prepend('lua/a.lua', text!, known)).toThrow(why);
});

test.for([
  ['reads KEYS', 'local function first()\n  return KEYS[1]\nend\n', 'KEYS'],
  ['does something', "local name = 'a'\nredis.call('DEL', name)\n", 'only defines locals'],
  ['defines a global', 'function weigh()\nend\n', 'only defines locals'],
  ['defines nothing', '-- Nothing.\n', 'defines nothing'],
])('a fragment that %s is refused at load', ([, source, why]) => {
  expect(() => parsePrelude('wrong', source!)).toThrow('lua/prelude/wrong.lua');
  expect(() => parsePrelude('wrong', source!)).toThrow(why);
});

test('fragments that use each other are refused at load', () => {
  const round = parse({
    ...FRAGMENTS,
    weight: FRAGMENTS.weight!.replace('-- What', '-- uses: crate\n-- What').replace('count * UNIT', 'crate(count)'),
  });
  expect(() => prepend('lua/a.lua', SCRIPT, round)).toThrow('crate -> weight -> crate');
});

test('the SHA covers the fragments', () => {
  const text = "#!lua\n-- uses: corrupt\n-- KEYS: none\n-- ARGV: none\n-- RETURNS: an error\nreturn corrupt('it')\n";
  const script = parseScript('probe', text);
  expect(script).toMatchObject({ text, source: expect.stringContaining(loadPreludes().get('corrupt')!.source) });
  expect(script.sha).toBe(createHash('sha1').update(script.source).digest('hex'));
});
