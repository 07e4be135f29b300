import { expect, test } from 'vitest';
import { createCampaignRoll } from '../../src/admission/campaign-roll.ts';
import { until } from '../helpers/until.ts';

test('a front that has not read the ledger yet takes no lost campaign for one that never was', async (t) => {
  const answer = Promise.withResolvers<string[]>();
  const roll = createCampaignRoll({ listIds: () => answer.promise, onError: () => undefined });
  const stop = new AbortController();
  const reading = roll.keepReading(stop.signal);
  t.onTestFinished(async () => {
    stop.abort();
    await reading;
  });
  expect([roll.isRead(), roll.mayHave('lost')]).toEqual([false, true]);
  answer.resolve(['lost']);
  await until('it is read', 60_000, () => roll.isRead());
  expect([roll.mayHave('lost'), roll.mayHave('never')]).toEqual([true, false]);
});
