import { expect, test } from 'vitest';
import { settingsOf, type TopicFacts, type TopicProblem, topicProblems } from '../../../src/kafka/topic-rules.ts';

const WISH = { topic: 'tickets', partitions: 12, replication: 3, retentionMs: 604_800_000 };
const GOOD: TopicFacts = { partitions: 12, copies: 3, settings: settingsOf(WISH) };
const having = (settings: Record<string, string>, copies = 3): TopicFacts => ({
  ...GOOD,
  copies,
  settings: { ...GOOD.settings, ...settings },
});
const told = (problems: TopicProblem[]) => problems.map(({ status, found }) => `${status} ${found}`);

test('a topic as Sluice creates it has no problem, with any number of copies', () => {
  for (const replication of [1, 2, 3, 5]) {
    const wish = { ...WISH, replication };
    expect(topicProblems({ partitions: 1, copies: replication, settings: settingsOf(wish) }, wish)).toEqual([]);
  }
});

test.for<[string, TopicFacts, RegExp]>([
  ['too few copies', { ...GOOD, copies: 2, settings: undefined }, /^broken topic tickets has 2 of the 3 copies/],
  ['compaction', having({ 'cleanup.policy': 'compact,delete' }), /^broken cleanup.policy .* compact,delete/],
  ['a short retention', having({ 'retention.ms': '3600000' }), /^broken retention.ms .* 3600000/],
  ['small messages', having({ 'max.message.bytes': '65536' }), /^broken max.message.bytes .* 65536/],
  ['a small retention', having({ 'retention.bytes': '1000' }), /^warning retention.bytes/],
  ['one copy that counts', having({ 'min.insync.replicas': '1' }), /^broken min.insync.replicas .* is 1/],
  ['more copies wanted than there are', having({ 'min.insync.replicas': '4' }), /^broken min.insync.replicas .* is 4/],
  ['all copies wanted', having({ 'min.insync.replicas': '3' }), /^warning min.insync.replicas .* is 3/],
])('%s is a problem', ([, facts, problem]) => {
  expect(told(topicProblems(facts, WISH))).toEqual([expect.stringMatching(problem)]);
});

test('a topic that keeps tickets without an end, or for longer, is as good', () => {
  expect(topicProblems(having({ 'retention.ms': '-1' }), WISH)).toEqual([]);
  expect(topicProblems(having({ 'retention.ms': '9999999999' }), WISH)).toEqual([]);
});

test('the gravest problem comes first', () => {
  const facts = having({ 'retention.bytes': '1', 'cleanup.policy': 'compact' });
  expect(told(topicProblems(facts, WISH)).map((line) => line.split(' ')[0])).toEqual(['broken', 'warning']);
});
