import { expect, test } from 'vitest';
import { uniqueName } from '../helpers/services.ts';
import { fronts, READ_TOKEN, TOKEN } from './front.ts';
import { bytesOf, type RawRequest, send } from './raw.ts';

const front = fronts().shared();
const reader = { authorization: `Bearer ${READ_TOKEN}` };

interface Documented {
  paths: Record<string, Record<string, unknown>>;
}

test('who may only read reads everything and changes nothing, on every route there is', async () => {
  const campaign = await front().create();
  const { paths } = (await front().admin('GET', '/openapi.json')).body as unknown as Documented;
  const asked = Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((method) => [method, path]));
  expect(asked.length).toBeGreaterThan(7);
  const name = (path: string) => (path.includes('dead-letters') ? '999999' : campaign);
  for (const [method, path] of asked as [string, string][]) {
    const answer = await front().admin(
      method.toUpperCase(),
      path.replaceAll(/\{\w+\}/g, name(path)),
      undefined,
      reader,
    );
    // It looked: no such letter is an answer, too.
    const known = path.includes('{id}') && path.includes('dead-letters') ? 404 : 200;
    if (method === 'get') expect([path, answer.status]).toEqual([path, known]);
    else expect([path, answer.status, answer.body.type]).toEqual([path, 403, 'urn:problem-type:sluice:forbidden']);
  }
  // Whatever is added later, and whatever is spelt as something else.
  for (const method of ['PUT', 'DELETE', 'PATCH', 'POST', 'OPTIONS', 'PROPFIND']) {
    const request = { method, path: `/admin/campaigns/${campaign}`, headers: Object.entries(reader) };
    expect((await send(Number(new URL(front().adminUrl).port), bytesOf(request))).status).toBe(403);
  }
  expect((await front().admin('GET', `/admin/campaigns/${campaign}`)).body.version).toBe(1);
});

test('a body that is wrong is not looked at for somebody who may only read', async () => {
  expect((await front().admin('POST', '/admin/campaigns', '{', reader)).status).toBe(403);
  expect((await front().admin('POST', '/admin/campaigns', 'a'.repeat(10_000), reader)).status).toBe(403);
});

const SITE = ['origin', 'https://evil.example'] as const;
const SPEC = '{"id":"evil","stock":1}';

/** What a browser can be made to send by a page of another site, which has no token and never will. */
test.for<[string, Omit<RawRequest, 'method' | 'path'>]>([
  ['a form', { headers: [SITE, ['content-type', 'application/x-www-form-urlencoded']], body: 'id=evil&stock=1' }],
  ['a form with files', { headers: [SITE, ['content-type', 'multipart/form-data; boundary=x']], body: '--x--' }],
  ['a form of plain text', { headers: [SITE, ['content-type', 'text/plain']], body: SPEC }],
  ['a fetch of JSON', { headers: [SITE, ['content-type', 'application/json']], body: SPEC }],
  ['a beacon', { headers: [SITE], body: SPEC }],
  ['a fetch without an origin', { headers: [['content-type', 'application/json']], body: SPEC }],
  [
    'a fetch from nowhere',
    {
      headers: [
        ['origin', 'null'],
        ['content-type', 'application/json'],
      ],
      body: SPEC,
    },
  ],
  ['a fetch with cookies', { headers: [SITE, ['cookie', `token=${TOKEN}; session=${TOKEN}`]], body: SPEC }],
  ['a fetch with our own origin', { headers: [['origin', 'http://localhost:8080']], body: SPEC }],
  ['Basic credentials the browser remembers', { headers: [SITE, ['authorization', 'Basic eDp5']], body: SPEC }],
])('%s of another site changes nothing, gets no cookie and no leave to try again', async ([, request]) => {
  const port = Number(new URL(front().adminUrl).port);
  const answer = await send(port, bytesOf({ method: 'POST', path: '/admin/campaigns', ...request }));
  expect([400, 401]).toContain(answer.status);
  for (const name of Object.keys(answer.headers)) expect(name).not.toMatch(/^(?:set-cookie|access-control-)/);
  expect((await front().admin('GET', '/admin/campaigns/evil')).status).toBe(404);
});

test('nothing on either port ever sets a cookie', async () => {
  const campaign = await front().create();
  const joined = await front().join(campaign, uniqueName('u'));
  const answers = [
    joined,
    await front().poll(joined.body.ticket),
    await front().ask(`/v1/campaigns/${campaign}`),
    await front().admin('GET', '/admin/campaigns'),
    await front().admin('POST', `/admin/campaigns/${campaign}/pause`),
  ];
  for (const { headers } of answers) expect(headers.getSetCookie()).toEqual([]);
});
