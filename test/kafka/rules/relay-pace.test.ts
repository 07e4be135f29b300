import { expect, test } from 'vitest';
import { relayPaceMs } from '../../../workers/relay.ts';

test.for([
  ['a first ticket', 1, 1_000, 20],
  ['2,000 tickets a second', 40, 20, 20],
  ['4,000 tickets a second', 160, 40, 40],
  ['8,000 tickets a second', 640, 80, 80],
  ['a backlog', 4_000, 0, 80],
] as const)('%s: the next reading comes after its pace', ([, count, sinceLastMs, paceMs]) => {
  expect(relayPaceMs(count, sinceLastMs)).toBe(paceMs);
});
