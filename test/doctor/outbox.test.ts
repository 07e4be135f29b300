import { expect, test } from 'vitest';
import type { Finding } from '../../src/doctor/finding.ts';
import { judgeOutbox } from '../../src/doctor/outbox.ts';

test.for<[string, Parameters<typeof judgeOutbox>[0], string | undefined, Partial<Finding> | undefined]>([
  [
    'nothing waits',
    { told: { entries: 0, oldestMs: 0 } },
    'told',
    { status: 'ok', found: '0 entries wait (topic told)' },
  ],
  [
    'something waits for a moment',
    { told: { entries: 3, oldestMs: 1_200 } },
    'told',
    { status: 'ok', found: '3 entries of 1 to 500 tickets wait, the oldest for 1 s (topic told)' },
  ],
  [
    'something waits for long',
    { told: { entries: 3, oldestMs: 61_000 } },
    'told',
    { status: 'warning', means: 'other services learn late which tickets were issued and cancelled' },
  ],
  ['the table cannot be read', { untold: 'no right' }, 'told', { status: 'unknown', found: 'no right' }],
  ['no service is told, and nothing waits', { told: { entries: 0, oldestMs: 0 } }, undefined, undefined],
  ['no service is told, and there is no table', { untold: 'no table' }, undefined, undefined],
  [
    'no service is told any more, and something waits',
    { told: { entries: 2, oldestMs: 5_000 } },
    undefined,
    { status: 'warning', found: expect.stringMatching(/^2 entries .*KAFKA_ISSUANCES_TOPIC is not set$/) as string },
  ],
])('%s', ([, size, topic, expected]) => {
  const [finding, ...more] = judgeOutbox(size, topic);
  expect(more).toEqual([]);
  if (expected === undefined) expect(finding).toBeUndefined();
  else expect(finding).toMatchObject({ check: 'outbox', ...expected });
});
