import { expect, test } from 'vitest';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { limits } from '../../src/process/limits.ts';
import { fronts, TOKEN } from './front.ts';

const file = fronts();
const front = file.shared();

/** A campaign with so many kept letters, none of which the gate knows. */
async function withLetters(count: number, reason = 'rejected'): Promise<string> {
  const campaign = await front().create();
  for (let seq = 1; seq <= count; seq += 1) {
    const letter = { campaign, epoch: 1, seq, unit: seq, user: `user-${seq}`, admittedAt: 5, reason, attempts: 6 };
    await keepDeadLetter(file.ledger(), letter);
  }
  return campaign;
}
const list = (query: string) => front().admin('GET', `/admin/dead-letters?${query}`);
const decide = (verb: string, body: unknown, headers = {}) =>
  front().admin('POST', `/admin/dead-letters/${verb}`, body, headers);

test('the list goes on behind the last id of a page, and counts by reason on its first', async () => {
  const campaign = await withLetters(3);
  const first = await list(`campaign=${campaign}&limit=2`);
  const letters = first.body.deadLetters as { id: number; seq: number }[];
  expect(letters.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(first.body.summary).toEqual([{ reason: 'rejected', state: 'kept', count: 3 }]);
  const second = await list(`campaign=${campaign}&after=${letters[1]!.id}`);
  expect(second.body).toMatchObject({ deadLetters: [{ seq: 3 }], summary: [] });
  const shown = await front().admin('GET', `/admin/dead-letters/${letters[0]!.id}`);
  expect(shown.body).toMatchObject({ campaign, state: 'kept', detail: '', raw: null, redriveCount: 0, attempts: 6 });
  expect((await front().admin('GET', '/admin/dead-letters/999999999')).status).toBe(404);
});

test.for([
  ['no campaign', {}, ['campaign']],
  ['an unknown field', { campaign: 'a', force: true }, ['force']],
  ['no tickets', { campaign: 'a', tickets: [] }, ['tickets']],
  ['a ticket that is none', { campaign: 'a', tickets: ['x'] }, ['tickets.0']],
  ['a limit beyond one call', { campaign: 'a', limit: limits.lettersPerCallMax + 1 }, ['limit']],
  ['a limit of nothing', { campaign: 'a', limit: 0 }, ['limit']],
] as const)('a choice with %s is a 422 that names the field', async ([, body, fields]) => {
  for (const verb of ['redrive', 'discard']) {
    const answer = await decide(verb, body);
    expect([answer.status, answer.body.errors.map(({ field }) => field)]).toEqual([422, fields]);
  }
});

test('who decided is in the audit log, by name', async () => {
  const campaign = await withLetters(2);
  const answer = await decide('discard', { campaign, limit: 1 }, { 'x-actor': 'ann@example' });
  expect(answer.body).toEqual({ campaign, dryRun: false, matching: 2, done: 1, left: 1, skipped: [] });
  const told = await file.database.sql(
    "SELECT actor, action FROM audit_log WHERE campaign = ? AND action <> 'create'",
    [campaign],
  );
  expect(told).toEqual([{ actor: 'operator:ann@example', action: 'discard' }]);
});

test('letters of a user whom the gate does not know are kept, and told', async () => {
  const campaign = await withLetters(1);
  const answer = await decide('redrive', { campaign });
  expect(answer.body).toMatchObject({ done: 0, left: 1, skipped: [{ why: 'unknown-to-the-gate' }] });
});

test('letters are decided at a bounded rate, whoever asks', async () => {
  const campaign = await withLetters(40);
  const startedAt = performance.now();
  const works = await Promise.all([decide('discard', { campaign }), decide('discard', { campaign })]);
  const done = works.map(({ body }) => Number(body.done)).reduce((sum, one) => sum + one);
  expect([done, works.map(({ body }) => body.left)]).toEqual([40, expect.arrayContaining([0])]);
  expect(performance.now() - startedAt).toBeGreaterThan((39 / limits.lettersPerSecond) * 1_000);
});

const basic = (password: string) => ({ authorization: `Basic ${Buffer.from(`any:${password}`).toString('base64')}` });
const board = (path: string, init: RequestInit = {}) => fetch(`${front().adminUrl}/admin/queues${path}`, init);

test('the board opens to a browser with the token as password, in pages that take nothing from elsewhere', async () => {
  for (const headers of [basic(TOKEN), { authorization: `Bearer ${TOKEN}` }]) {
    const page = await board('', { headers });
    const text = await page.text();
    expect([page.status, text]).toEqual([200, expect.stringContaining('Sluice retries')]);
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    for (const [, path] of text.matchAll(/(?:src|href)="(static\/[^"]+)"/g)) {
      const part = await board(`/${path}`, { headers });
      expect([path, part.status, (await part.arrayBuffer()).byteLength > 0]).toEqual([path, 200, true]);
    }
    const queues = await board('/api/queues?page=1', { headers });
    const body = (await queues.json()) as { queues: { name: string; readOnlyMode: boolean }[] };
    expect(body.queues).toMatchObject([{ name: 'issuance', readOnlyMode: true }]);
  }
});

test.for<[string, RequestInit]>([
  ['no credentials', {}],
  ['a wrong password', { headers: basic('wrong') }],
  ['the token as the name', { headers: { authorization: `Basic ${Buffer.from(`${TOKEN}:`).toString('base64')}` } }],
  ['no colon', { headers: { authorization: `Basic ${Buffer.from(TOKEN).toString('base64')}` } }],
  ['a wrong bearer', { headers: { authorization: 'Bearer wrong' } }],
])('the board with %s asks for credentials, also for its files', async ([, init]) => {
  for (const path of ['', '/', '/api/queues', '/static/js/none.js', '/nothing']) {
    const answer = await board(path, init);
    expect([path, answer.status]).toEqual([path, 401]);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
  }
});

test('nothing on the board can be changed, and what it has not got is a 404', async () => {
  const paths = ['/api/queues/issuance/pause', '/api/queues/issuance/1/retry', '/api/queues/issuance/obliterate'];
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const path of paths) {
      const answer = await board(path, { method, headers: basic(TOKEN) });
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'GET']);
    }
  }
  expect((await board('/static/js/none.js', { headers: basic(TOKEN) })).status).toBe(404);
  // Basic credentials open the board and nothing beside it.
  expect((await fetch(`${front().adminUrl}/admin/campaigns`, { headers: basic(TOKEN) })).status).toBe(400);
});
