import { expect, test } from 'vitest';
import { type CampaignState, type Phase, phaseOf } from '../../src/domain/campaign.ts';

const [OPENS, CLOSES] = [1_000, 2_000];

test.for([
  ['active', 999, 5, 'scheduled'],
  ['active', 1_000, 5, 'open'],
  ['active', 1_999, 5, 'open'],
  ['active', 2_000, 5, 'ended'],
  ['active', 1_500, 0, 'sold-out'],
  ['active', 1_500, -1, 'sold-out'],
  ['active', 999, 0, 'scheduled'],
  ['active', 2_000, 0, 'ended'],
  ['paused', 999, 5, 'paused'],
  ['paused', 1_500, 0, 'paused'],
  ['paused', 2_000, 5, 'ended'],
  ['closed', 999, 5, 'ended'],
  ['closed', 1_500, 0, 'ended'],
] as [CampaignState, number, number, Phase][])('%s at %i with %i left is %s', ([state, now, remaining, phase]) => {
  expect(phaseOf({ state, opensAt: OPENS, closesAt: CLOSES }, remaining, now)).toBe(phase);
});

test('a campaign without a window is open as long as there is stock', () => {
  const always = { state: 'active' as const, opensAt: null, closesAt: null };
  expect([phaseOf(always, 1, 0), phaseOf(always, 1, Number.MAX_SAFE_INTEGER), phaseOf(always, 0, 5)]).toEqual([
    'open',
    'open',
    'sold-out',
  ]);
});
