import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type CampaignMemory,
  completeMemory,
  createCampaignMemory,
  isComplete,
  isFresh,
  refusalFromMemory,
  takeReading,
  takeReply,
  takeSilence,
} from '../../src/admission/campaign-memory.ts';
import type { CampaignState } from '../../src/domain/campaign.ts';
import type { GateView } from '../../src/domain/gate-view.ts';
import { userTag } from '../../src/domain/ids.ts';
import { limits } from '../../src/process/limits.ts';

/** By the span clock; that of Redis is a day ahead. */
const NOW = 1_000_000;
const CLOCK = { aheadMs: 86_400_000, doubtMs: 2 };
/** Epoch ms by the clock of Redis. */
const REDIS_NOW = NOW + CLOCK.aheadMs;

const view = (given: Partial<GateView> = {}): GateView => ({
  id: 'sale',
  name: 'Sale',
  epoch: 1,
  version: 1,
  state: 'active',
  opensAt: null,
  closesAt: null,
  stock: 10,
  ratePerSecond: 0,
  burst: 1,
  backlogMax: 0,
  epochs: [{ epoch: 1, afterSeq: 0 }],
  recoveringUntil: 0,
  shards: 1,
  buckets: 16,
  seq: 0,
  remaining: 10,
  settledCount: 0,
  retryingCount: 0,
  cancelledCount: 0,
  watermarks: [0],
  acked: [0],
  readAt: NOW,
  clock: CLOCK,
  ...given,
});
const remember = (given: Partial<GateView> = {}): CampaignMemory => createCampaignMemory(view(given), NOW);
const tag = (user: string): string => userTag('sale', user);
const refusal = (memory: CampaignMemory, user = 'a-stranger', now = NOW) => refusalFromMemory(memory, tag(user), now);

test('a reading that left before a reply does not undo what the reply told', () => {
  const reply = fc.record({ kind: fc.constant('reply' as const), step: fc.integer({ min: 0, max: 3 }) });
  const reading = fc.record({ kind: fc.constant('reading' as const), behind: fc.integer({ min: 0, max: 5 }) });
  fc.assert(
    fc.property(fc.array(fc.oneof(reply, reading), { maxLength: 40 }), (steps) => {
      const stock = 1_000;
      const memory = remember({ stock, remaining: stock });
      let seq = 0;
      for (const step of steps) {
        if (step.kind === 'reply') {
          seq += step.step;
          takeReply(memory, { seq, remaining: stock - seq, waitMs: 0 }, NOW);
        } else {
          const read = Math.max(0, seq - step.behind);
          takeReading(memory, view({ stock, seq: read, remaining: stock - read, readAt: NOW }));
        }
        expect([memory.view.seq, memory.view.remaining]).toEqual([seq, stock - seq]);
      }
    }),
  );
});

test('a reply that left before another one does not undo it either', () => {
  const memory = remember();
  takeReply(memory, { seq: 8, remaining: 2, waitMs: 0 }, NOW);
  takeReply(memory, { seq: 5, remaining: 5, waitMs: 0 }, NOW);
  expect([memory.view.seq, memory.view.remaining]).toEqual([8, 2]);
});

test('a gate that lost its tail is believed after a while, and nobody is refused by what it has forgotten', () => {
  const memory = remember({ seq: 9, remaining: 1 });
  takeReply(memory, { seq: 10, remaining: 0, waitMs: 0 }, NOW);
  memory.completeSeq = 10;
  const rewound = (readAt: number) => view({ seq: 7, remaining: 3, readAt });
  takeReading(memory, rewound(NOW));
  expect([memory.view.seq, memory.view.remaining]).toEqual([10, 0]);
  const later = NOW + limits.gateCallMs + 1_000;
  takeReading(memory, rewound(later));
  expect([memory.view.seq, memory.view.remaining]).toEqual([7, 3]);
  expect(refusal(memory, 'anybody', later)).toBeUndefined();
  // Others took what was lost: the filter that was complete at seq 10 does not know them.
  takeReading(memory, view({ seq: 10, remaining: 0, readAt: later }));
  expect(isComplete(memory)).toBe(false);
  expect(refusal(memory, 'anybody', later)).toBeUndefined();
});

test('a gate that was rebuilt starts over: what was complete before is not now', () => {
  const memory = remember({ seq: 10, remaining: 0 });
  memory.completeSeq = 10;
  expect(refusal(memory)).toEqual({ kind: 'sold-out' });
  takeReading(memory, view({ epoch: 2, seq: 10, remaining: 0 }));
  expect(refusal(memory)).toBeUndefined();
});

const STATES: CampaignState[] = ['active', 'paused', 'closed'];
const OPEN_TIMES = [null, REDIS_NOW - 60_000, REDIS_NOW + 60_000];

test('no refusal from memory ever meets somebody who may hold a ticket', () => {
  const situation = fc.record({
    state: fc.constantFrom(...STATES),
    opensAt: fc.constantFrom(...OPEN_TIMES),
    remaining: fc.constantFrom(0, 5),
    ratePerSecond: fc.constantFrom(0, 10),
    throttled: fc.boolean(),
    holders: fc.uniqueArray(fc.nat(50), { minLength: 1, maxLength: 20 }),
    heard: fc.nat(20),
    complete: fc.boolean(),
  });
  fc.assert(
    fc.property(situation, ({ throttled, holders, heard, complete, ...settings }) => {
      const memory = remember({ ...settings, seq: holders.length });
      // This front admitted some of them itself; the others it knows of once the filter is complete.
      const known = complete ? holders : holders.slice(0, heard);
      for (const holder of known) memory.admitted.add(tag(`user-${holder}`));
      if (complete) memory.completeSeq = holders.length;
      if (throttled) memory.throttledUntil = NOW + 500;
      for (const holder of holders) {
        const told = refusal(memory, `user-${holder}`);
        // The one exception: a holder of another front's, told to wait a moment while the bucket is empty.
        if (told?.kind === 'throttled') expect(known).not.toContain(holder);
        else expect(told).toBeUndefined();
      }
    }),
    { numRuns: 500 },
  );
});

test.for([
  [{ state: 'paused' }, { kind: 'paused' }],
  [{ state: 'closed' }, { kind: 'ended' }],
  [{ closesAt: REDIS_NOW - 60_000 }, { kind: 'ended' }],
  [{ remaining: 0 }, { kind: 'sold-out' }],
  [{ opensAt: REDIS_NOW + 60_000 }, { kind: 'not-open', opensAt: REDIS_NOW + 60_000 }],
  [{ opensAt: REDIS_NOW + 1 }, undefined],
  [{}, undefined],
] as [Partial<GateView>, unknown][])('a stranger to a gate with %j is told %j', ([given, told]) => {
  expect(refusal(remember(given))).toEqual(told);
});

test('a stale memory refuses nobody', () => {
  const memory = remember({ state: 'closed' });
  const late = NOW + limits.viewStaleMs + 1;
  expect([isFresh(memory, late), refusal(memory, 'a-stranger', late)]).toEqual([false, undefined]);
});

test('sold out is not told from memory while the gate does not answer, nor on an old reading, nor behind a change', () => {
  const soldOut = () => remember({ seq: 0, remaining: 0 });
  expect(refusal(soldOut())).toEqual({ kind: 'sold-out' });
  const silent = soldOut();
  takeSilence(silent);
  expect(refusal(silent)).toBeUndefined();
  takeReading(silent, view({ remaining: 0 }));
  expect(refusal(silent)).toEqual({ kind: 'sold-out' });
  expect(refusal(soldOut(), 'a-stranger', NOW + limits.viewRefusalMs + 1)).toBeUndefined();
  const behind = soldOut();
  behind.versionMin = 2;
  expect(refusal(behind)).toBeUndefined();
  takeReading(behind, view({ remaining: 0, version: 2 }));
  expect(refusal(behind)).toEqual({ kind: 'sold-out' });
});

test.for([
  ['opens', { opensAt: REDIS_NOW }, { kind: 'not-open', opensAt: REDIS_NOW }, undefined],
  ['ends', { closesAt: REDIS_NOW }, undefined, { kind: 'ended' }],
] as const)(
  'a sale %s by the clock of Redis, and as long as that clock may be off the gate is asked',
  ([, given, before, after]) => {
    const told = (atMs: number) => refusal(remember({ ...given, readAt: NOW - 100 }), 'a-stranger', NOW + atMs);
    const errorMs = CLOCK.doubtMs + 100 * limits.clockDriftShare;
    expect(told(-2 * errorMs)).toEqual(before);
    expect(told(-errorMs / 2)).toBeUndefined();
    expect(told(errorMs / 2)).toBeUndefined();
    expect(told(2 * errorMs)).toEqual(after);
  },
);

test.for([
  ['was rebuilt', [{ epoch: 2, seq: 10, remaining: 0 }]],
  [
    'lost its tail and gave it to others',
    [
      { seq: 9, remaining: 1, readAt: NOW + 60_000 },
      { seq: 10, remaining: 0 },
    ],
  ],
  ['was rebuilt at the last moment', []],
] as const)('a filter read from a gate that %s meanwhile is not complete', async ([, readings]) => {
  const memory = remember({ seq: 10, remaining: 0 });
  async function* readTags() {
    yield [tag('one')];
    for (const reading of readings) takeReading(memory, view(reading));
  }
  await completeMemory(memory, readTags, async () => {
    if (readings.length === 0) takeReading(memory, view({ epoch: 2, seq: 10, remaining: 0 }));
    return true;
  });
  expect(isComplete(memory)).toBe(false);
});

test('an empty bucket is told until it holds a token, and not when the rate was lifted meanwhile', () => {
  const memory = remember({ ratePerSecond: 1, readAt: NOW });
  takeReply(memory, { seq: 1, remaining: 9, waitMs: 400 }, NOW);
  const told = refusal(memory, 'a-stranger', memory.throttledUntil - 100);
  expect(told).toEqual({ kind: 'throttled', waitMs: 100 });
  expect(refusal(memory, 'a-stranger', memory.throttledUntil)).toBeUndefined();
  takeReading(memory, view({ seq: 1, remaining: 9, ratePerSecond: 0 }));
  expect(refusal(memory, 'a-stranger', memory.throttledUntil - 100)).toBeUndefined();
});
