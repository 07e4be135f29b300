import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { temporaryFolder } from '../helpers/own-names.ts';
import { ROOT } from '../helpers/root.ts';
import { fronts, TOKEN } from './front.ts';
import { ownRedis } from './own-redis.ts';
import { findSchemathesis } from './schemathesis.ts';

const found = findSchemathesis();
if ('missing' in found) {
  console.warn(`Schemathesis could not be had: the OpenAPI documents are NOT fuzzed. ${found.missing}`);
}

const places = { front: fronts(), admin: fronts() };

/** Kinds of a 503 that pass: of a machine that is busy, and of a gate that a request of the run had built anew. */
const PASSING = [
  'overloaded',
  'expired',
  'redis-unavailable',
  'gate-missing',
  'gate-unverified',
  'stale-epoch',
  'recovering',
];

/**
 * All checks but one: a ticket that was given back stays, as cancelled, so that who asks again is told so. The seed makes the
 * same few thousand requests each time.
 */
const SETTINGS = [
  '--checks',
  'all',
  '--exclude-checks',
  'use_after_free',
  '--max-examples',
  '20',
  '--seed',
  '1',
  '--no-color',
  '--request-timeout',
  '60',
];

test.skipIf('missing' in found).for(['front', 'admin'] as const)(
  'a fuzzer that knows only the document of the %s finds no answer that the document does not say',
  { timeout: 600_000 },
  async (of, t) => {
    const file = places[of];
    const front = await file.start(t, { redisUrl: (await ownRedis(t)).url });
    // The id of the documents' examples.
    await front.admin('POST', '/admin/campaigns', { id: 'spring-sale', stock: 1_000_000 });
    const letter = { campaign: 'spring-sale', epoch: 1, seq: 7, reason: 'rejected', attempts: 1, raw: '{}' };
    await keepDeadLetter(file.ledger(), letter);
    const { code, said } = await fuzz(t, of === 'front' ? front.url : front.adminUrl);
    expect(code, said).toBe(0);
    expect(said).toMatch(/Operations: +\d+ selected/);
    expect(front.serverErrors.filter(({ kind }) => !PASSING.includes(kind))).toEqual([]);
  },
);

async function fuzz(t: TestContext, url: string): Promise<{ code: number | null; said: string }> {
  const { python } = found as { python: string };
  const headers = ['--header', `Authorization: Bearer ${TOKEN}`, '--header', 'X-User-Id: ann'];
  const config = ['--config-file', join(ROOT, 'test/http/schemathesis.toml')];
  const command = ['-m', 'schemathesis.cli', ...config, 'run', `${url}/openapi.json`, ...SETTINGS, ...headers];
  const child = spawn(python, command, { cwd: await temporaryFolder(t), stdio: ['ignore', 'pipe', 'pipe'] });
  t.onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, said: said.slice(-20_000) };
}
