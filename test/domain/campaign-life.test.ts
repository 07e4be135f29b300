import { expect, test } from 'vitest';
import { hasGate, isOver, type Life, STAGES, type Stage, stageOf } from '../../src/domain/campaign-life.ts';

const OPEN: Life = { state: 'active', projectedVersion: 1, drainedAt: null, archivedAt: null, purgedAt: null };

test.for<[Stage, Partial<Life>]>([
  ['draft', { projectedVersion: 0 }],
  ['open', {}],
  ['paused', { state: 'paused' }],
  ['closed', { state: 'closed' }],
  ['drained', { state: 'closed', drainedAt: 1 }],
  ['drained', { drainedAt: 1 }],
  ['archived', { state: 'closed', drainedAt: 1, archivedAt: 2 }],
  ['archived', { archivedAt: 2 }],
  ['purged', { state: 'closed', drainedAt: 1, archivedAt: 2, purgedAt: 3 }],
])('a campaign is %s with %o', ([stage, life]) => {
  expect(stageOf({ ...OPEN, ...life })).toBe(stage);
  expect(hasGate({ ...OPEN, ...life })).toBe(STAGES[stage].gate);
});

test('only what is archived takes no change any more', () => {
  const drained: Life = { ...OPEN, state: 'closed', drainedAt: 1 };
  const archived: Life = { ...OPEN, archivedAt: 2 };
  expect([OPEN, drained, archived].map(isOver)).toEqual([false, false, true]);
});
