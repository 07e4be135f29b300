import { expect, test } from 'vitest';
import { createLog } from '../../src/rehearsal/log.ts';
import { startProgress } from '../../src/rehearsal/progress-bar.ts';

function progressOn(isTTY: boolean): string {
  let text = '';
  let nowMs = 0;
  const stream = { isTTY, write: (more: string) => (text += more) };
  const log = createLog();
  const end = startProgress({ stream, log, clock: () => nowMs, buyers: 2_000 });
  log.seen = { joined: 1_000, accepted: 600, issued: 50 };
  nowMs = 2_000;
  end();
  return text;
}

test('elsewhere than on a terminal a plain line says where the rehearsal stands', () => {
  const line = '1,000 of 2,000 buyers joined · 600 accepted · 50 seen issued · 2.0 s · 500 buyers/s';
  expect(progressOn(false)).toBe(`${line}\n`);
});

test('on a terminal a bar is redrawn in place', () => {
  expect(progressOn(true)).toMatch(/^\r.*\[#{10}-{10}\] 1,000 of 2,000 .*\n$/);
});
