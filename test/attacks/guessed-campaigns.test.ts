// Ids of campaigns that nobody made, by the thousand: Redis is asked about so many a second, and real sales go on.
import { expect, type TestContext, test } from 'vitest';
import { createCampaigns } from '../../src/admission/campaigns.ts';
import { isFault } from '../../src/domain/fault.ts';
import { createFrontReaders } from '../../src/gate/redis/front-readers.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { limits } from '../../src/process/limits.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';

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
  const ask = (id: string) =>
    campaigns.get(id).then(
      (memory) => (memory === undefined ? 'none' : 'there'),
      (error: unknown) => (isFault(error, 'overloaded') && error.retryable ? 'ask again' : 'broken'),
    );
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
