import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import { limits } from '../../src/process/limits.ts';
import { createErrorLog } from '../../src/telemetry/log-once.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function errorLog() {
  const lines: [object, string][] = [];
  const error = (fields: object, message: string) => void lines.push([fields, message]);
  return { lines, onError: createErrorLog({ error } as Parameters<typeof createErrorLog>[0], 'a worker duty failed') };
}

const away = () => new Fault('redis-unavailable', 'Redis does not answer', { retryable: true });

test('a duty that meets the same error thousands of times filled the disk: the first has a line, the rest have one together', () => {
  const { lines, onError } = errorLog();
  for (let nth = 0; nth < 5_000; nth += 1) onError(away());
  expect(lines).toEqual([[{ err: expect.any(Fault) }, 'a worker duty failed']]);
  vi.advanceTimersByTime(limits.sameLogMs);
  expect(lines.slice(1)).toEqual([
    [
      { err: expect.any(Fault), count: 4_999, withinMs: limits.sameLogMs },
      expect.stringMatching(/^a worker duty failed; /),
    ],
  ]);
  onError(away());
  expect(lines).toHaveLength(3);
});

test('an error of another kind has its own line meanwhile', () => {
  const { lines, onError } = errorLog();
  onError(away());
  onError(new Fault('ledger-unavailable', 'the ledger is unavailable'));
  onError(new TypeError('a mistake'));
  expect(lines).toHaveLength(3);
  vi.advanceTimersByTime(limits.sameLogMs);
  expect(lines).toHaveLength(3);
});
