import { expect, test } from 'vitest';
import { functionsOf } from './functions.ts';
import { sources } from './sources.ts';

const LINES_MAX = 70;

/** Longer ones that are still to be split: the list only gets shorter. */
const TO_BE_SPLIT = [
  'src/admission/campaigns.ts createCampaigns',
  'src/admission/waits.ts createWaits',
  'src/composition/front.ts composeFront',
  'src/desk/letter-desk.ts createLetterDesk',
  'src/http/admin/admin.ts createAdmin',
];

test(`no function of src and workers has more than ${LINES_MAX} lines`, () => {
  const ours = sources('.ts').filter((path) => /^(src|workers)\//.test(path));
  const functions = ours.flatMap((path) => functionsOf(path));
  expect(functions.length).toBeGreaterThan(500);
  const long = functions.filter(({ lines }) => lines > LINES_MAX);
  const remedy =
    'name the parts of what it does, and give each a function; a list in which one is missing is out of date';
  expect(long.map(({ path, name }) => `${path} ${name}`).toSorted(), remedy).toEqual(TO_BE_SPLIT);
});

test('functions of every kind are measured, each from its first word to its closing bracket', () => {
  const text = `
function a() {
}
const b = (x) => {
  return { c() { return x; } };
};
class D { constructor() {
  } get e() { return 1; } }
f(async function () {
});
interface G { h(): void }
type I = () => void;`;
  const found = functionsOf('x.ts', text).map(({ name, line, lines }) => [name, line, lines]);
  expect(found).toEqual([
    ['a', 2, 2],
    ['b', 4, 3],
    ['c', 5, 1],
    ['D', 7, 2],
    ['e', 8, 1],
    ['(no name)', 9, 2],
  ]);
});
