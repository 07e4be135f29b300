// When a load looks at its campaign: its report says from these looks when everything was issued.
import { expect, test } from 'vitest';
import { watch } from '../../src/load/watching.ts';

const END_MS = 5_000;

interface Script {
  /** What waits at a time; throws where the admin API does not answer. */
  backlogAt: (ms: number) => number;
  /** When the generators have ended. */
  loadedMs: number;
}

/** The times of the readings, in ms since the load began, with what waited then. A pause moves the clock. */
async function watched({ backlogAt, loadedMs }: Script): Promise<[at: number, backlog: number][]> {
  let ms = 0;
  const { promise: loaded, resolve } = Promise.withResolvers<void>();
  const readings = await watch(
    {
      pause: async (pauseMs) => {
        ms += pauseMs;
        if (ms >= loadedMs) resolve();
      },
      look: async () => ({ at: ms, admitted: 9, issued: 9, retrying: 0, deadLetters: 0, backlog: backlogAt(ms) }),
    },
    { endAt: END_MS, patienceMs: 2_000, loaded, now: () => ms },
  );
  return readings.map(({ at, backlog }) => [at, backlog]);
}

test('a stock that was issued before the last buyer came counted as issued when the load ended', async () => {
  const readings = await watched({ backlogAt: (ms) => (ms < 2_500 ? 7 : 0), loadedMs: END_MS });
  expect(readings.find(([, backlog]) => backlog === 0)).toEqual([3_000, 0]);
  expect(readings.map(([at]) => at)).toEqual([1_000, 2_000, 3_000, 4_000, 5_000, 5_000]);
});

test('after the last buyer it looks four times a second until nothing waits', async () => {
  const readings = await watched({ backlogAt: (ms) => (ms < 5_600 ? 7 : 0), loadedMs: END_MS });
  expect(readings.slice(4)).toEqual([5_000, 5_000, 5_250, 5_500, 5_750].map((at) => [at, at === 5_750 ? 0 : 7]));
});

test('it goes on while an act is under way, and ends when patience does', async () => {
  expect((await watched({ backlogAt: () => 0, loadedMs: 6_000 })).at(-1)).toEqual([6_000, 0]);
  expect((await watched({ backlogAt: () => 7, loadedMs: END_MS })).at(-1)).toEqual([7_250, 7]);
  // Generators that were interrupted end before the last arrival was due.
  expect((await watched({ backlogAt: () => 0, loadedMs: 2_000 })).at(-1)).toEqual([2_000, 0]);
});

test('a look without an answer is none while buyers arrive, and after them the load cannot be judged', async () => {
  const answersFrom = (from: number, to: number) => (ms: number) => {
    if (ms < from || ms > to) throw new Error('no answer');
    return 0;
  };
  const readings = await watched({ backlogAt: answersFrom(3_000, 9_000), loadedMs: END_MS });
  expect(readings[0]).toEqual([3_000, 0]);
  await expect(watched({ backlogAt: answersFrom(0, 4_000), loadedMs: END_MS })).rejects.toThrow('no answer');
});
