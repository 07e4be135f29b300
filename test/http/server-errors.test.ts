// Every answer with a 5xx is counted and has its cause in the log; what cannot match is no 5xx.
import { expect, test } from 'vitest';
import { runningFront } from '../cli/running-front.ts';
import { until } from '../helpers/until.ts';
import { fronts } from './front.ts';

const file = fronts();
const front = file.shared();
const narrow = fronts();
const process_ = runningFront();

const KOREAN = '재고';
const letters = '/admin/dead-letters';

test('a redrive by a reason that no reason can be is a 422, not an outage for ever', async () => {
  for (const verb of ['redrive', 'discard']) {
    const answer = await front().admin('POST', `${letters}/${verb}`, { campaign: 'x', reason: KOREAN });
    expect([answer.status, answer.body.errors.map(({ field }) => field)]).toEqual([422, ['reason']]);
  }
});

test('text that no ASCII column holds is nowhere a server error', async () => {
  const campaign = await front().create();
  const path = encodeURIComponent(KOREAN);
  const one = `/admin/campaigns/${campaign}`;
  const asked: [string, string, unknown?, Record<string, string>?][] = [
    ['POST', '/admin/campaigns', { id: KOREAN, stock: 1 }],
    ['GET', `/admin/campaigns?after=${path}`],
    ...['', '/reconcile'].map((end): [string, string] => ['GET', `/admin/campaigns/${path}${end}`]),
    ...['/pause', '/resume', '/close', '/reconcile'].map((end): [string, string] => [
      'POST',
      `/admin/campaigns/${path}${end}`,
    ]),
    ['PATCH', `/admin/campaigns/${path}`, { burst: 1 }],
    ['POST', `${one}/stock`, { add: 1 }, { 'idempotency-key': 'schlüssel' }],
    ['PATCH', one, { burst: 2 }, { 'x-actor': 'Jürgen' }],
    ['GET', `${letters}?campaign=${path}`],
    ['GET', `${letters}?state=${path}`],
    ['GET', `${letters}?after=${path}`],
    ['GET', `${letters}/${path}`],
    ['POST', `${letters}/redrive`, { campaign: KOREAN }],
    ['POST', `${letters}/redrive`, { campaign, tickets: [KOREAN] }],
    ['POST', `${letters}/discard`, { campaign, tickets: ['1'], reason: KOREAN }],
  ];
  for (const [method, target, body, headers] of asked) {
    const { status, text } = await front().admin(method, target, body, headers);
    expect(status, `${method} ${target} ${text}`).toBeLessThan(500);
  }
  for (const target of [`/v1/campaigns/${path}`, `/v1/tickets/${path}`]) {
    expect((await front().ask(target)).status).toBeLessThan(500);
  }
});

test('a mistake in a statement is a 500 that says whose it is, with its cause and where', async (t) => {
  const broken = await file.start(t);
  const campaign = await broken.create();
  await file.database.sql('ALTER TABLE dead_letters RENAME COLUMN reason TO cause', []);
  t.onTestFinished(async () => {
    await file.database.sql('ALTER TABLE dead_letters RENAME COLUMN cause TO reason', []);
  });
  const answer = await broken.admin('POST', `${letters}/redrive`, { campaign, reason: 'x' });
  expect([answer.status, answer.body.type]).toEqual([500, 'urn:problem-type:sluice:internal']);
  expect(answer.headers.get('retry-after')).toBeNull();
  expect(answer.text).not.toMatch(/dead_letters|reason/);
  expect(broken.serverErrors).toMatchObject([
    { kind: 'defect', status: 500, listener: 'admin', at: 'POST /admin/dead-letters', cause: { code: 'defect' } },
  ]);
});

test('a refusal of the ledger that the API had let through is a 500, too', async (t) => {
  const other = await narrow.start(t);
  await narrow.database.sql('ALTER TABLE campaigns MODIFY name varchar(5) CHARACTER SET utf8mb4 NOT NULL', []);
  const answer = await other.admin('POST', '/admin/campaigns', { id: 'toolong', stock: 1, name: 'far too long' });
  expect(answer.status).toBe(500);
  expect(other.serverErrors).toMatchObject([{ kind: 'defect', cause: { code: 'invalid' } }]);
});

test('the process logs the first server error of a kind with its cause, counts all, and says how many had no line', async () => {
  const admin = async (method: string, path: string, body?: unknown) =>
    fetch(`${process_.adminUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${process_.adminToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const id = `told-${Date.now()}`;
  await admin('POST', '/admin/campaigns', { id, stock: 1 });
  await admin('POST', `/admin/campaigns/${id}/pause`);
  const join = () =>
    fetch(`${process_.url}/v1/campaigns/${id}/tickets`, { method: 'POST', headers: { 'x-user-id': 'ann' } });
  let refusedCount = 0;
  await until('it is paused', 60_000, async () => {
    const isPaused = (await join()).status === 503;
    refusedCount += Number(isPaused);
    return isPaused && refusedCount === 3;
  });
  const numbers = await (await fetch(process_.metricsUrls[0]!)).text();
  expect(numbers).toMatch(/^sluice_http_errors_total\{[^}]*kind="paused"[^}]*\} 3$/m);
  const lines = () =>
    process_
      .output()
      .split('\n')
      .filter((line) => line.includes('"kind":"paused"'))
      .map((line) => JSON.parse(line));
  await until('what was left out is told', 60_000, () => lines().length >= 2);
  expect(lines()).toMatchObject([
    { status: 503, listener: 'public', at: 'POST /v1/campaigns', reason: 'The campaign is paused' },
    { count: 2 },
  ]);
});
