// What a person reads: nothing hidden in it, nothing cut off, and numbers that explain themselves.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type TestContext, test, vi } from 'vitest';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import { ROOT } from '../helpers/root.ts';
import { databaseUrl, temporaryFolder, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { joinCampaign, untilIssued } from '../start/sluice.ts';
import { runningFront } from './running-front.ts';
import { sluice } from './sluice.ts';

// Each command is a process of its own: on a busy machine it takes seconds to begin.
vi.setConfig({ testTimeout: 120_000 });

const front = runningFront({ workers: 1 });
const HIDDEN = /[^\P{C}\n]/u;

const run = (...args: string[]) => sluice(args, { ADMIN_URL: front.adminUrl, ADMIN_TOKEN: front.adminToken });

test('a name that hides or turns around what stands beside it is printed with its controls spelled out', async () => {
  const id = uniqueName('hidden');
  const name = 'sale\u202Egnp.\u200B\u{E0041}forged  line';
  await run('campaign', 'create', id, '--stock', '1', '--name', name);
  for (const args of [['list'], ['show', id], ['show', id, '--json'], ['list', '--json']]) {
    const { out } = await run('campaign', ...args);
    expect(out).not.toMatch(HIDDEN);
  }
  expect((await run('campaign', 'show', id)).out).toContain('(sale\\u{202E}gnp.\\u{200B}\\u{E0041}forged');
  expect(JSON.parse((await run('campaign', 'show', id, '--json')).out).name).toBe(name);
  const typed = await run('campaign', 'show', 'a\u202Eb');
  expect([typed.code, typed.err]).toEqual([64, expect.not.stringMatching(HIDDEN)]);
});

test('a name of 101 emoji is as short for the command line as for the API, one of 201 as long', async () => {
  const create = (count: number) =>
    run('campaign', 'create', uniqueName('emoji'), '--stock', '1', '--name', '🎉'.repeat(count));
  expect((await create(101)).code).toBe(0);
  expect((await create(200)).code).toBe(0);
  const long = await create(201);
  expect([long.code, long.err]).toEqual([64, expect.stringContaining('at most 200 characters')]);
  const asked = await post('/admin/campaigns', { id: uniqueName('emoji'), stock: 1, name: '🎉'.repeat(201) });
  expect(asked.status).toBe(422);
});

test('a burst without a rate, which nothing would ever look at, is refused by the API', async () => {
  const alone = await post('/admin/campaigns', { id: uniqueName('burst'), stock: 1, burst: 5 });
  expect([alone.status, await alone.text()]).toEqual([422, expect.stringContaining('"field":"burst"')]);
  const headers = { authorization: `Bearer ${front.adminToken}` };
  const document = (await (await fetch(`${front.adminUrl}/openapi.json`, { headers })).json()) as {
    components: { schemas: { CreateCampaign: object } };
  };
  expect(document.components.schemas.CreateCampaign).toMatchObject({ if: { required: ['burst'] } });
  const id = uniqueName('burst');
  await run('campaign', 'create', id, '--stock', '1');
  const changed = await run('campaign', 'change', id, '--burst', '5');
  expect([changed.code, changed.err]).toEqual([
    1,
    expect.stringMatching(/409[\s\S]*burst needs a ratePerSecond above 0/),
  ]);
  expect((await run('campaign', 'change', id, '--burst', '5', '--rate', '7')).out).toMatch(/7 joins\/s, burst 5 joins/);
  expect((await run('campaign', 'change', id, '--burst', '6')).code).toBe(0);
});

test('more tickets than units are explained: what was given back is sold again', { timeout: 90_000 }, async () => {
  const id = uniqueName('again');
  const created = await run('campaign', 'create', id, '--stock', '1');
  expect(created.out).toMatch(
    new RegExp(`^Created campaign ${id} with 1 unit\\. It is open now: buyers join with POST`),
  );
  const { body } = await joinCampaign(front, id, 'ann');
  await untilIssued(front, body.ticket, 60_000);
  expect((await run('campaign', 'show', id)).out).toMatch(/^admitted +1 ticket$/m);
  await until('ann has given it back', 60_000, async () => {
    const { status } = await fetch(`${front.url}/v1/tickets/${body.ticket}`, { method: 'DELETE' });
    return status === 200;
  });
  const next = await until('the unit is for sale again', 60_000, async () => {
    const joined = await joinCampaign(front, id, 'bob');
    return joined.status === 202 && joined;
  });
  await untilIssued(front, next.body.ticket, 60_000);
  expect((await run('campaign', 'show', id)).out).toMatch(/^admitted +2 tickets for 1 unit: .*sold again/m);
  expect((await run('campaign', 'create', id, '--stock', '1')).out).toMatch(/exists already.*Nothing was changed/);
});

test('a dead letter without a unit shows none instead of a unit 0', async () => {
  const campaign = uniqueName('unitless');
  await run('campaign', 'create', campaign, '--stock', '1');
  const options = { name: 'test', connectionMax: 1, queueMax: 10, acquireMs: 5_000, statementMs: 5_000 };
  await using ledger = openLedger({ ...options, url: databaseUrl() });
  const letter = { campaign, epoch: 1, seq: 1, unit: 0, user: 'ann', admittedAt: Date.now(), attempts: 6 };
  await keepDeadLetter(ledger, { ...letter, reason: 'no-unit-left', detail: '' });
  const { out } = await run('dead-letters', 'list', '--campaign', campaign);
  expect(out).toMatch(/ kept +1 +– +6 +0 /);
  expect(out).toMatch(/^Next: "sluice dead-letters show <id>"/m);
  const id = /^ *(\d+) +unitless/m.exec(out)![1]!;
  expect((await run('dead-letters', 'show', id)).out).toMatch(/^unit +none: no unit was left/m);
});

test('token prints the admin token and nothing else, and says where it looked when there is none', async (t) => {
  expect(await sluice(['token'], { ADMIN_TOKEN: front.adminToken })).toEqual({
    code: 0,
    out: `${front.adminToken}\n`,
    err: '',
  });
  const kept = await sluice(['token'], { DATA_DIR: front.dataDir });
  expect([kept.code, kept.out]).toEqual([0, expect.stringMatching(/^[\w-]{32}\n$/)]);
  const none = await sluice(['token'], {
    DATA_DIR: await temporaryFolder(t),
    ADMIN_READ_TOKEN: 'a-token-that-may-only-read',
  });
  expect([none.code, none.out, none.err]).toEqual([
    64,
    '',
    expect.stringMatching(/ADMIN_TOKEN is not set, and there is no/),
  ]);
});

test.for(['/sluice-admin', '/sluice-admin/'])('the path of ADMIN_URL %s is not dropped', async (path, t) => {
  const seen: string[] = [];
  const url = await answering(t, (asked) => {
    seen.push(asked);
    return { campaigns: [] };
  });
  const { code } = await sluice(['campaign', 'list'], { ADMIN_URL: `${url}${path}`, ADMIN_TOKEN: front.adminToken });
  expect([code, seen]).toEqual([0, ['/sluice-admin/admin/campaigns?limit=500']]);
});

test('a list longer than a pipe holds is whole when its reader is slow', async (t) => {
  const campaign = {
    id: 'a',
    name: 'n'.repeat(200),
    stock: 1,
    state: 'active',
    phase: 'open',
    attention: null,
    ratePerSecond: 0,
    opensAt: null,
    closesAt: null,
  };
  const url = await answering(t, () => ({ campaigns: Array(1_000).fill(campaign), next: null }));
  const env = { PATH: process.env.PATH, ADMIN_URL: url, ADMIN_TOKEN: front.adminToken };
  const child = spawn(process.execPath, ['src/cli.ts', 'campaign', 'list'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'readable');
  const out = (await child.stdout.toArray()).join('');
  expect(out.split('\n')).toHaveLength(1_002);
});

const post = (path: string, body: object) =>
  fetch(`${front.adminUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${front.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** The address of a server that answers what `answer` says, as JSON. */
async function answering(t: TestContext, answer: (path: string) => object): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(request.url ?? '')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
