// Ids of campaigns that nobody made, by the thousand: Redis is asked about so many a second, and real sales go on.
import { expect, type TestContext, test } from 'vitest';
import { createCampaigns } from '../../src/admission/campaigns.ts';
import { isFault } from '../../src/domain/fault.ts';
import { createFrontReaders } from '../../src/gate/redis/front-readers.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { limits } from '../../src/process/limits.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';

const file = fronts();

function place(t: TestContext) {
  const redis = testRedis(t);
  let now = 1_000_000;
  const known = new Set<string>();
  const asked: string[] = [];
  const readers = createFrontReaders(redis, () => now);
  const campaigns = createCampaigns({
    ...readers,
    readGates: (ids) => {
      asked.push(...ids);
      return readers.readGates(ids);
    },
    readChanged: (views) => {
      asked.push(...views.map(({ id }) => id));
      return readers.readChanged(views);
    },
    findEnd: async () => undefined,
    exists: (id) => known.has(id),
    onFound: () => undefined,
    now: () => now,
    onError: () => undefined,
  });
  const made = async () => {
    const id = uniqueName('real');
    await createGate(redis).project(campaignOf(id), true);
    return id;
  };
  /** What a caller hears: that there is none, that it is not known, or that there is one. */
  const ask = async (id: string) => {
    const isRefused = campaigns.refusesGuess(id);
    const answer = await campaigns.get(id).then(
      (memory) => (memory === undefined ? 'none' : 'there'),
      (error: unknown) => (isFault(error, 'overloaded') && error.retryable ? 'ask again' : 'broken'),
    );
    expect(isRefused).toBe(answer === 'ask again');
    return answer;
  };
  const guess = (count: number) => Promise.all(Array.from({ length: count }, (_, i) => ask(`guess-${now}-${i}`)));
  return { campaigns, known, asked, made, ask, guess, pass: (ms: number) => (now += ms) };
}

const BUDGET = limits.unknownAsksPerSecond;

test('guessed ids cost Redis no more than their budget, and nobody is told wrongly that there is no such campaign', async (t) => {
  const { asked, guess, ask, made, pass } = place(t);
  const answers = await guess(2_000);
  expect(asked.length).toBe(BUDGET);
  expect(answers.filter((answer) => answer === 'none').length).toBe(BUDGET);
  expect(answers.filter((answer) => answer === 'ask again').length).toBe(2_000 - BUDGET);
  // One that was made on another front a moment ago, and that the ledger's list does not have yet.
  const fresh = await made();
  expect(await ask(fresh)).toBe('ask again');
  pass(1_000);
  expect(await ask(fresh)).toBe('there');
});

test('while ids are guessed, campaigns that the ledger was seen with, or that were made here, are read as ever', async (t) => {
  const { known, campaigns, guess, ask, made } = place(t);
  const [listed, announced] = [await made(), await made()];
  known.add(listed);
  await guess(2_000);
  campaigns.expectVersion(announced, 1);
  expect([await ask(listed), await ask(announced)]).toEqual(['there', 'there']);
});

test('guesses pushed an unknown id out of the memory, so that each question about it reached Redis', async (t) => {
  const { asked, guess, ask } = place(t);
  const misspelt = uniqueName('misspelt');
  expect(await ask(misspelt)).toBe('none');
  await guess(limits.viewsMax + 1_000);
  expect([await ask(misspelt), await ask(misspelt)]).toEqual(['none', 'none']);
  expect(asked.filter((id) => id === misspelt).length).toBe(1);
});

test('guessed views and guessed joins beyond the budget are refused with their cause; a real campaign goes on', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create({ stock: 10 });
  const guesses: [string, (id: string) => ReturnType<typeof front.ask>][] = [
    ['a view', (id) => front.ask(`/v1/campaigns/${id}`)],
    ['a join', (id) => front.join(id, 'guesser')],
  ];
  for (const [what, guess] of guesses) {
    await until(`${what} is refused`, 60_000, async () => {
      const answers = await Promise.all(Array.from({ length: 4 * BUDGET }, () => guess(uniqueName('guess'))));
      const refused = answers.find(({ status }) => status === 503);
      expect(answers.every(({ status }) => status === 404 || status === 503)).toBe(true);
      if (refused === undefined) return false;
      expect(refused.text).toMatch(/too many campaigns that this front does not know/);
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      return true;
    });
  }
  expect(front.serverErrors.at(-1)).toMatchObject({
    kind: 'guessed',
    cause: 'clients ask for too many unknown campaign ids',
  });
  expect((await front.ask(`/v1/campaigns/${campaign}`)).status).toBe(200);
  expect((await front.join(campaign, 'ann')).status).toBe(202);
});
