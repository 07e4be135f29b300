import { expect, test } from 'vitest';
import { createHeartbeat } from '../../src/http/public/heartbeat.ts';
import { until } from '../helpers/until.ts';

const WITHIN_MS = 60_000;

test('streams that open together beat in turn, each once in a period', async (t) => {
  const take = createHeartbeat({ periodMs: 40, lifeMs: 60_000, slots: 4 });
  let heard = '';
  for (const name of 'abcd') {
    t.onTestFinished(
      take({
        beat: () => {
          heard += name;
        },
        over: () => undefined,
      }),
    );
  }
  await until('three periods', WITHIN_MS, () => heard.length >= 12);
  expect(heard.slice(0, 12)).toBe('abcdabcdabcd');
});

test('a stream that was let go does not beat, and one that has lasted its time is told so once', async (t) => {
  const take = createHeartbeat({ periodMs: 20, lifeMs: 60, slots: 2 });
  const heard: string[] = [];
  const release = take({ beat: () => heard.push('released'), over: () => heard.push('released') });
  release();
  release();
  let laterCount = 0;
  t.onTestFinished(take({ beat: () => heard.push('beat'), over: () => heard.push('over') }));
  t.onTestFinished(
    createHeartbeat({ periodMs: 20, lifeMs: 60_000, slots: 2 })({
      beat: () => (laterCount += 1),
      over: () => undefined,
    }),
  );
  await until('it would have beaten on', WITHIN_MS, () => heard.includes('over') && laterCount >= 10);
  expect(heard).toEqual(['beat', 'beat', 'over']);
});
