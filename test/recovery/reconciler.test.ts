// Which campaigns a worker compares in its round, once a minute.
import { expect, test } from 'vitest';
import { spanClock } from '../../src/domain/clock.ts';
import { createGateStates } from '../../src/gate/redis/gate-states.ts';
import { createGateLocks } from '../../src/gate/redis/locks.ts';
import { liveCampaigns } from '../../src/ledger/gated.ts';
import { limits } from '../../src/process/limits.ts';
import { foundIn, type ReconcileReport } from '../../src/recovery/report.ts';
import { createReconciling } from '../../workers/reconciler.ts';
import { redisUrl } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from '../workers/duties.ts';

const database = ownDatabase();
const never = new AbortController().signal;

test('every round compared every open campaign, whether or not anything had happened to it, and counted the one that is too large', async (t) => {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const ids: string[] = [];
  while (ids.length < 30) ids.push(await duties.openCampaign({ stock: 5 }));
  const [busy = '', differing = ''] = ids;
  let looks: string[] = [];
  await duties.openCampaign({ stock: limits.reconcileStockMax + 1 });
  const told: number[][] = [];
  const reconcile = createReconciling({
    liveCampaigns: () => liveCampaigns(ledger),
    marksOf: createGateStates(duties.redis, 0).marksOf,
    takeTurn: async () => true,
    look: async (campaign): Promise<ReconcileReport> => {
      looks.push(campaign);
      return { campaign, counts: campaign === differing ? { 'unit-unaccounted': 1 } : {}, examples: [] };
    },
    onRound: ({ mismatches, tooLarge }) => told.push([mismatches, tooLarge]),
    onMismatch: () => undefined,
    now: spanClock,
    onError: (error) => expect(error).toBe(undefined),
  });
  const round = async () => {
    looks = [];
    await reconcile(never);
    return looks;
  };
  expect((await round()).toSorted()).toEqual(ids.toSorted());
  await duties.client().admit(busy, users(1, 1));
  const second = await round();
  expect(second.slice(0, 2).toSorted()).toEqual([busy, differing].toSorted());
  // Ten of the quiet ones come along; in three rounds each had its turn.
  expect(second).toHaveLength(12);
  const quiet = new Set([...second, ...(await round()), ...(await round())]);
  expect(quiet.size).toBe(30);
  expect(told, 'differences, and campaigns that are too large').toEqual(Array(4).fill([1, 1]));
});

test('a difference was shown by two workers at once, and by none in between', async (t) => {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const id = await duties.openCampaign({ stock: 5 });
  const locks = createGateLocks(duties.redis);
  const shown = { one: 0, other: 0 };
  const reconcilingOf = (worker: keyof typeof shown) =>
    createReconciling({
      liveCampaigns: async function* () {
        for await (const page of liveCampaigns(ledger)) yield page.filter((campaign) => campaign.id === id);
      },
      marksOf: createGateStates(duties.redis, 0).marksOf,
      takeTurn: (campaign, ms) => locks.takeTurn(campaign, worker, ms),
      look: async (campaign) => ({ campaign, counts: { 'issued-without-row': 3 }, examples: [] }),
      onRound: ({ unissued }) => {
        shown[worker] = unissued;
      },
      onMismatch: () => undefined,
      now: spanClock,
      onError: (error) => expect(error).toBe(undefined),
    });
  const one = reconcilingOf('one');
  const other = reconcilingOf('other');
  await one(never);
  for (const round of [other, one, other, one]) {
    await round(never);
    expect(shown).toEqual({ one: 3, other: 0 });
  }
});

test('a worker that never had a turn compares what the other one has left', async (t) => {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const ids: string[] = [];
  while (ids.length < 201) ids.push(await duties.openCampaign({ stock: 5 }));
  const looks: string[] = [];
  const listed = (await Array.fromAsync(liveCampaigns(ledger))).flat().filter(({ id }) => ids.includes(id));
  const left = listed.at(-1)!.id;
  const reconcile = createReconciling({
    liveCampaigns: async function* () {
      for await (const page of liveCampaigns(ledger)) yield page.filter(({ id }) => ids.includes(id));
    },
    marksOf: createGateStates(duties.redis, 0).marksOf,
    takeTurn: async (campaign) => campaign === left,
    look: async (campaign) => {
      looks.push(campaign);
      return { campaign, counts: {}, examples: [] };
    },
    onRound: () => undefined,
    onMismatch: () => undefined,
    now: spanClock,
    onError: (error) => expect(error).toBe(undefined),
  });
  await reconcile(never);
  await reconcile(never);
  expect(looks).toEqual([left]);
});

test('a campaign whose comparison took long is compared later, and what it found is shown until then', async (t) => {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const [large, small] = [await duties.openCampaign({ stock: 5 }), await duties.openCampaign({ stock: 5 })];
  let now = 0;
  let looks: string[] = [];
  let shown = 0;
  const reconcile = createReconciling({
    liveCampaigns: async function* () {
      for await (const page of liveCampaigns(ledger)) yield page.filter(({ id }) => id === large || id === small);
    },
    marksOf: createGateStates(duties.redis, 0).marksOf,
    takeTurn: async () => true,
    look: async (campaign) => {
      looks.push(campaign);
      now += campaign === large ? 9_000 : 10;
      return { campaign, counts: { 'issued-without-row': 1 }, examples: [] };
    },
    onRound: ({ unissued }) => {
      shown = unissued;
    },
    onMismatch: () => undefined,
    onError: (error) => expect(error).toBe(undefined),
    now: () => now,
  });
  const told: object[] = [];
  for (let round = 0; round < 4; round += 1) {
    looks = [];
    await reconcile(never);
    told.push({ looks: looks.toSorted(), shown });
    now += limits.reconcileMs;
  }
  const both = [large, small].toSorted();
  expect(told).toEqual([
    { looks: both, shown: 2 },
    { looks: [small], shown: 2 },
    { looks: both, shown: 2 },
    { looks: [small], shown: 2 },
  ]);
});

test('a ticket that only its holder can bring back is lost, and not one that a worker failed to issue', () => {
  const counts = { 'ticket-lost': 3, 'issued-without-row': 2, 'unit-unaccounted': 1 };
  expect(foundIn({ campaign: 'sale', counts, examples: [] })).toEqual({ mismatches: 3, lost: 3, unissued: 2 });
});
