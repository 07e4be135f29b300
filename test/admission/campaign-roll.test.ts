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

test('a campaign whose gate was read is known until a roll that began later has been read without it', async (t) => {
  const answers: PromiseWithResolvers<string[]>[] = [];
  const listIds = () => {
    answers.push(Promise.withResolvers());
    return answers.at(-1)!.promise;
  };
  const failed: unknown[] = [];
  const roll = createCampaignRoll({ listIds, readMs: 1, onError: (error) => failed.push(error) });
  const stop = new AbortController();
  const reading = roll.keepReading(stop.signal);
  t.onTestFinished(async () => {
    stop.abort();
    for (const { resolve } of answers) resolve([]);
    await reading;
  });
  const answer = async (nth: number, ids: string[]) => {
    await until(`reading ${nth} has begun`, 60_000, () => answers.length > nth);
    answers[nth]!.resolve(ids);
    await until(`reading ${nth + 1} has begun`, 60_000, () => answers.length > nth + 1);
  };
  await answer(0, []);
  // The second reading is under way: what it says may be older than the campaign.
  roll.learn('new');
  await answer(1, []);
  expect(roll.mayHave('new')).toBe(true);
  answers[2]!.reject(new Error('the ledger is away'));
  await until('the next reading has begun', 60_000, () => answers.length > 3);
  expect([failed.length, roll.mayHave('new')]).toEqual([1, true]);
  await answer(3, []);
  expect(roll.mayHave('new')).toBe(false);
});
