import { expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { problemsOf } from './problems.ts';

const url = 'https://hooks.example/T0/B0/path-of-mine';
const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;

test('nobody is told of anything unless an address is set', () => {
  expect(readConfig({}).notices).toEqual({ webhook: undefined, lettersMin: 5 });
  const set = readConfig({ NOTIFY_WEBHOOK_URL: url, NOTIFY_WEBHOOK_SECRET: secret, NOTIFY_DEAD_LETTERS: '50' });
  expect(set.notices).toEqual({ webhook: { url, secret: Buffer.alloc(24, 1) }, lettersMin: 50 });
});

test('a secret that is too short, or that signs nothing, is a problem told without it', () => {
  expect(problemsOf({ NOTIFY_WEBHOOK_URL: url, NOTIFY_WEBHOOK_SECRET: 'whsec_c2hvcnQ=' })).toEqual([
    'NOTIFY_WEBHOOK_SECRET: takes whsec_ and the base64 of 24 to 64 bytes, as Standard Webhooks say',
  ]);
  expect(problemsOf({ NOTIFY_WEBHOOK_SECRET: secret })).toEqual([
    expect.stringMatching(/NOTIFY_WEBHOOK_URL, and that/),
  ]);
  expect(problemsOf({ NOTIFY_WEBHOOK_URL: 'hooks.example' })[0]).toMatch(/^NOTIFY_WEBHOOK_URL: takes/);
});
