import { expect, test } from 'vitest';
import { roundsOf } from '../../../src/broker/kafka/topic.ts';

const message = (partition: number, name: string, size = 68) => ({ partition, value: Buffer.from(name.padEnd(size)) });
const named = (rounds: Iterable<{ value: Buffer }[]>) =>
  [...rounds].map((round) => round.map(({ value }) => value.toString().trim()));

test('what fits is one round, whatever the number of partitions', () => {
  const messages = [message(0, 'a'), message(1, 'b'), message(0, 'c')];
  expect(named(roundsOf(messages, 200))).toEqual([['a', 'b', 'c']]);
  expect(named(roundsOf([], 200))).toEqual([]);
});

test('a partition that is full ends the round, and every record stays in its order', () => {
  const messages = ['a', 'b', 'c', 'd', 'e'].map((name) => message(0, name));
  expect(named(roundsOf([message(1, 'x'), ...messages], 200))).toEqual([['x', 'a', 'b'], ['c', 'd'], ['e']]);
});

test('a record that is too large alone is sent alone, so that the others of its partition are not refused with it', () => {
  const messages = [message(0, 'a'), message(0, 'large', 500), message(0, 'b')];
  expect(named(roundsOf(messages, 200))).toEqual([['a'], ['large'], ['b']]);
});
