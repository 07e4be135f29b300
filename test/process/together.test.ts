import { expect, test } from 'vitest';
import { together } from '../../src/process/together.ts';

/** Doubles; each statement waits until it is let go. */
function doubling(countMax = 100) {
  const statements: { questions: readonly number[]; go: (error?: Error) => void }[] = [];
  const ask = together<number, number>({
    countMax,
    many: async (questions) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      statements.push({ questions, go: (error) => (error === undefined ? resolve() : reject(error)) });
      await promise;
      return questions.map((question) => question * 2);
    },
    isShared: (error) => (error as Error).message === 'away',
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { ask, statements, settled };
}

test('what is asked while a statement is under way goes together in the next one, and none is older than its question', async () => {
  const { ask, statements, settled } = doubling(2);
  const answers = Promise.all([1, 2, 3, 4].map(ask));
  expect(statements.map(({ questions }) => questions)).toEqual([[1]]);
  for (let count = 0; count < 3; count += 1) {
    statements.at(-1)!.go();
    await settled();
  }
  expect(await answers).toEqual([2, 4, 6, 8]);
  expect(statements.map(({ questions }) => questions)).toEqual([[1], [2, 3], [4]]);
});

test('one question that fails did not fail those that went with it, and a store that is away is not asked again for each', async () => {
  const { ask, statements, settled } = doubling();
  const first = ask(0);
  const failing = Promise.allSettled([1, 2].map(ask));
  statements[0]!.go();
  await first;
  await settled();
  statements[1]!.go(new Error('a row'));
  await settled();
  statements[2]!.go(new Error('a row'));
  await settled();
  statements[3]!.go();
  expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  await settled();
  const away = Promise.allSettled([1, 2, 3].map(ask));
  statements[4]!.go(new Error('away'));
  await settled();
  statements[5]!.go(new Error('away'));
  expect((await away).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(statements).toHaveLength(6);
});
