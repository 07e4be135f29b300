// Which campaigns a worker compares in its round, once a minute.
import { expect, test } from 'vitest';
import { createGateStates } from '../../src/gate/redis/gate-states.ts';
import { liveCampaigns } from '../../src/ledger/gated.ts';
import { limits } from '../../src/process/limits.ts';
import type { ReconcileReport } from '../../src/recovery/report.ts';
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
